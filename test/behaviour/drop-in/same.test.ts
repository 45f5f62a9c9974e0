import assert from "node:assert/strict";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { Code, ConnectError, createClient } from "@connectrpc/connect";
import { EchoService } from "../../../proto/gen/glink/demo/v1/echo_pb.js";
import { ca, serverIdentity } from "../../support/certificates.ts";
import { type ConnectEchoBackend, startConnectEcho } from "../../support/echo-server.ts";
import { startFaultyNetwork } from "../../support/faulty-network.ts";
import { checkForLeaks } from "../../support/leaks.ts";
import { startOddPeer, until } from "../integration/calls-harness.ts";
import { errorOf, type Options, onConnectNode, onGlink, type Scenario } from "./transports.ts";

/*
 * What users of createGrpcTransport rely on beside the results of calls, which test/behaviour/integration/drop-in.test.ts compares.
 * What differs, and why, is in docs/differences.md.
 */

checkForLeaks();

/** Runs a scenario on either transport and returns what both have seen. */
async function same(options: Options, scenario: Scenario): Promise<unknown> {
  const expected = await onConnectNode(options, scenario);
  assert.deepEqual(await onGlink(options, scenario), expected);
  return expected;
}

/** Code, and text without what glink adds to it. */
async function failure(call: Promise<unknown>): Promise<[string, string]> {
  const error = await errorOf(call);
  assert.ok(error !== undefined, "the call succeeded");
  return [Code[error.code] as string, error.rawMessage.replace(/ \(backend [^)]*\)$/, "")];
}

const slow = { behavior: { delayMs: 10_000 } };

async function* throwing(error: unknown) {
  yield { text: "a" };
  throw error;
}

/** Calls that end early, and how users learn of it. */
const failures: Record<string, { run: (client: EchoClient) => Promise<unknown>; expected: [string, string] }> = {
  "a deadline": {
    run: (client) => client.unary(slow, { timeoutMs: 50 }),
    expected: ["DeadlineExceeded", "the operation timed out"],
  },
  "an abort": {
    run: (client) => client.unary(slow, { signal: abortedSoon() }),
    expected: ["Canceled", "This operation was aborted"],
  },
  "an abort before the call": {
    run: (client) => client.unary({}, { signal: AbortSignal.abort() }),
    expected: ["Canceled", "This operation was aborted"],
  },
  "an abort with an Error": {
    run: (client) => client.unary(slow, { signal: abortedSoon(new Error("enough")) }),
    expected: ["Canceled", "enough"],
  },
  "an abort with a text": {
    run: (client) => client.unary(slow, { signal: abortedSoon("enough") }),
    expected: ["Canceled", "enough"],
  },
  "an abort with a ConnectError": {
    run: (client) => client.unary(slow, { signal: abortedSoon(new ConnectError("enough", Code.Aborted)) }),
    expected: ["Aborted", "enough"],
  },
  "AbortSignal.timeout": {
    run: (client) => client.unary(slow, { signal: AbortSignal.timeout(50) }),
    expected: ["Canceled", "The operation was aborted due to timeout"],
  },
  "an abort within a stream": {
    run: async (client) => {
      const controller = new AbortController();
      for await (const _ of client.serverStream({ count: 9, intervalMs: 20 }, { signal: controller.signal }))
        controller.abort();
    },
    expected: ["Canceled", "This operation was aborted"],
  },
  "a request iterable that throws an Error": {
    run: (client) => client.clientStream(throwing(new Error("boom"))),
    expected: ["Internal", "boom"],
  },
  "a request iterable that throws a ConnectError": {
    run: (client) => client.clientStream(throwing(new ConnectError("boom", Code.DataLoss))),
    expected: ["DataLoss", "boom"],
  },
  "a message that cannot be serialized": {
    run: (client) => client.unary({ responseBytes: -1 }),
    expected: [
      "Internal",
      "serialize binary: cannot encode field glink.demo.v1.UnaryRequest.response_bytes to binary: invalid uint32: -1",
    ],
  },
};

type EchoClient = ReturnType<typeof createClient<typeof EchoService>>;

function abortedSoon(reason?: unknown): AbortSignal {
  const controller = new AbortController();
  setTimeout(() => controller.abort(reason), 30);
  return controller.signal;
}

test("calls that end early fail with the same code and text", async (t) => {
  const backend = await startConnectEcho();
  try {
    for (const [name, { run, expected }] of Object.entries(failures)) {
      await t.test(name, async () => {
        const seen = await same({ baseUrl: `http://${backend.address}` }, async (transport) => {
          const client = createClient(EchoService, transport);
          // Connected before: glink says so in the text where a deadline has passed without a connection.
          await client.unary({});
          return failure(run(client));
        });
        assert.deepEqual(seen, expected);
      });
    }
  } finally {
    await backend.close();
  }
});

test("a connection that died silently is Unavailable after pingIntervalMs and pingTimeoutMs", async () => {
  const backend = await startConnectEcho();
  const network = await startFaultyNetwork(backend.address);
  const options = { baseUrl: `http://${network.address}`, pingIntervalMs: 100, pingTimeoutMs: 100 };
  const scenario: Scenario = async (transport) => {
    const running = backend.counters.running;
    const call = failure(createClient(EchoService, transport).unary(slow));
    await until(() => backend.counters.running > running, "the call is open");
    network.freeze();
    return (await call)[0];
  };
  try {
    assert.equal(await onConnectNode(options, scenario), "Unavailable");
    assert.equal(await onGlink({ ...options, retry: false }, scenario), "Unavailable");
  } finally {
    await network.close();
    await backend.close();
  }
});

test("no answer at all from a port is Unavailable, with the reason in the text", async () => {
  await same({ baseUrl: "http://127.0.0.1:1" }, async (transport) => {
    const error = await errorOf(createClient(EchoService, transport).unary({}));
    return [error?.code, error?.rawMessage.includes("connect ECONNREFUSED 127.0.0.1:1")];
  });
});

test("an error that a header callback throws comes back as it is", async () => {
  const backend = await startConnectEcho();
  const mine = new Error("mine");
  try {
    await same({ baseUrl: `http://${backend.address}` }, async (transport) => {
      const onHeader = () => {
        throw mine;
      };
      await assert.rejects(createClient(EchoService, transport).unary({}, { onHeader }), (error) => error === mine);
    });
  } finally {
    await backend.close();
  }
});

test("header and trailer callbacks run in the same order", async () => {
  const backend = await startConnectEcho();
  try {
    await same({ baseUrl: `http://${backend.address}` }, async (transport) => {
      const client = createClient(EchoService, transport);
      const heard: string[] = [];
      const callbacks = { onHeader: () => void heard.push("header"), onTrailer: () => void heard.push("trailer") };
      await client.unary({}, callbacks);
      for await (const { index } of client.serverStream({ count: 2 }, callbacks)) heard.push(`message ${index}`);
      return heard;
    });
  } finally {
    await backend.close();
  }
});

test("a stream is called when the method is, not when it is read", async () => {
  const backend = await startConnectEcho();
  try {
    await same({ baseUrl: `http://${backend.address}` }, async (transport) => {
      const before = backend.counters.executions;
      let read = () => {};
      const reading = new Promise<void>((resolve) => {
        read = resolve;
      });
      // The call stays open until it is read: on Node 24 connect-node fails one that has ended before ("Premature close").
      async function* requests() {
        yield { text: "a" };
        await reading;
      }
      const stream = createClient(EchoService, transport).bidi(requests());
      await until(() => backend.counters.executions > before, "the server runs it");
      const texts: string[] = [];
      read();
      for await (const { text } of stream) texts.push(text);
      return texts;
    });
  } finally {
    await backend.close();
  }
});

test("the same requests leave for every path of baseUrl: pseudo-headers, names and values", async () => {
  const peer = await startOddPeer((stream) => {
    const head = { ":status": 200, "content-type": "application/grpc+proto", "grpc-status": "12" };
    stream.respond(head, { endStream: true });
  });
  try {
    for (const path of ["", "/", "/api", "/api/", "/a/b"]) {
      await same({ baseUrl: `http://${peer.address}${path}` }, async (transport) => {
        const headers = { "X-A": "1", "x-bytes-bin": "AAE", "User-Agent": "mine", "grpc-timeout": "1S" };
        const call = createClient(EchoService, transport).unary({}, { timeoutMs: 9_000, headers });
        assert.equal((await errorOf(call))?.code, Code.Unimplemented);
        const sent = { ...peer.requests.at(-1) };
        // What is left of the timeout when the request leaves: that is a matter of milliseconds.
        assert.match(String(sent["grpc-timeout"]), /^(9000|8\d{3})m$/);
        return Object.entries({ ...sent, "grpc-timeout": "" }).sort();
      });
    }
  } finally {
    await peer.close();
  }
});

/** What the server sees of the connections. */
const connections: Record<
  string,
  { run: (client: EchoClient, backend: ConnectEchoBackend) => Promise<void>; count: number; options?: Partial<Options> }
> = {
  "none before the first call": { run: () => sleep(30), count: 0 },
  "one for all calls, at once or in turn": {
    run: async (client) => {
      await client.unary({});
      await Promise.all([client.unary({}), client.unary({})]);
    },
    count: 1,
  },
  "a new one after a graceful GOAWAY, while the open call goes on": {
    run: async (client, backend) => {
      const open = client.unary({ behavior: { delayMs: 300 } });
      await until(() => backend.counters.running > 0, "the call is open");
      for (const session of backend.sessions) session.close();
      await sleep(50);
      await client.unary({});
      await open;
    },
    count: 2,
  },
  "a new one after idleConnectionTimeoutMs": {
    run: async (client, backend) => {
      await client.unary({});
      await until(() => backend.sessions.size === 0, "the connection is closed");
      await client.unary({});
    },
    count: 2,
    options: { idleConnectionTimeoutMs: 100 },
  },
};

for (const [name, { run, count, options }] of Object.entries(connections)) {
  test(`connections: ${name}`, async () => {
    const backend = await startConnectEcho();
    try {
      const seen = await same({ baseUrl: `http://${backend.address}`, ...options }, async (transport) => {
        const before = backend.connections();
        await run(createClient(EchoService, transport), backend);
        return backend.connections() - before;
      });
      assert.equal(seen, count);
    } finally {
      await backend.close();
    }
  });
}

test("TLS takes authority and server name from nodeOptions", async () => {
  const backend = await startConnectEcho({ tls: serverIdentity });
  try {
    const nodeOptions = { ca, servername: "echo.test" };
    await same({ baseUrl: `https://127.0.0.1:${backend.port}`, nodeOptions }, async (transport) => {
      const { text } = await createClient(EchoService, transport).unary({ text: "over TLS" });
      return text;
    });
  } finally {
    await backend.close();
  }
});
