import assert from "node:assert/strict";
import { test } from "node:test";
import { type Client, Code, ConnectError, createClient, createContextValues } from "@connectrpc/connect";
import { EchoService } from "../../../proto/gen/glink/demo/v1/echo_pb.js";
import { glinkCall, type RetryInit, staticResolver } from "../../../src/index.ts";
import { type EchoBackend, startConnectEcho, startGrpcJsEcho } from "../../support/echo-server.ts";
import { checkForLeaks } from "../../support/leaks.ts";
import { until } from "../../support/load.ts";
import { glinkTransport } from "../../support/transport.ts";
import { startFleet, staySilent } from "../../unit/calls/scripted-server.ts";

checkForLeaks();

type EchoClient = Client<typeof EchoService>;

const servers = { "connect-node": startConnectEcho, "grpc-js": startGrpcJsEcho };

async function withClient(
  backends: readonly { readonly address: string; close(): Promise<void> }[],
  retry: RetryInit | false,
  work: (client: EchoClient) => Promise<void>,
): Promise<void> {
  const transport = glinkTransport({
    baseUrl: "http://echo.test:50051",
    resolver: staticResolver(backends.map(({ address }) => address)),
    retry: retry === false ? false : { initialBackoffMs: 5, ...retry },
  });
  try {
    await until("every backend is ready", () => {
      void transport.ready();
      return transport.snapshot().subchannels.filter(({ state }) => state === "ready").length === backends.length;
    });
    await work(createClient(EchoService, transport));
  } finally {
    await transport.close({ timeoutMs: 0 });
    for (const backend of backends) await backend.close();
  }
}

async function failureOf(promise: Promise<unknown>): Promise<ConnectError> {
  return promise.then(
    () => assert.fail("the call should have failed"),
    (error: unknown) => ConnectError.from(error),
  );
}

async function indexesOf(messages: AsyncIterable<{ index: number }>, into: number[] = []): Promise<number[]> {
  for await (const { index } of messages) into.push(index);
  return into;
}

async function* twoRequests(behavior: object) {
  yield { text: "one", behavior };
  yield { text: "two" };
}

const unavailable = { failCode: Code.Unavailable, requestId: "call" };

for (const [server, start] of Object.entries(servers)) {
  test(`Unavailable from a ${server} server is retried for unary and client-streaming calls, maxAttempts in all`, async () => {
    const backend: EchoBackend = await start();
    await withClient([backend], {}, async (client) => {
      const executions = (id: string) => backend.counters.byRequestId.get(id);
      const unary = await client.unary({ behavior: { ...unavailable, requestId: "a", failAttempts: 2 } });
      assert.deepEqual([unary.served?.execution, unary.served?.previousAttempts], [3, "2"]);
      const streamed = await client.clientStream(twoRequests({ ...unavailable, requestId: "b", failAttempts: 2 }));
      assert.deepEqual([streamed.count, streamed.served?.execution, streamed.served?.previousAttempts], [2, 3, "2"]);
      const failures = [
        await failureOf(client.unary({ behavior: { ...unavailable, requestId: "c" } })),
        await failureOf(client.clientStream(twoRequests({ ...unavailable, requestId: "d" }))),
      ];
      assert.deepEqual(
        failures.map(({ code }) => code),
        [Code.Unavailable, Code.Unavailable],
      );
      assert.deepEqual([executions("c"), executions("d")], [3, 3]);
    });
  });

  test(`of the 16 codes of a ${server} server only Unavailable and DeadlineExceeded are executed again`, async () => {
    const backend: EchoBackend = await start();
    await withClient([backend], {}, async (client) => {
      for (let code = 1; code <= 16; code++) {
        const behavior = { failCode: code, requestId: `code ${code}` };
        assert.equal((await failureOf(client.unary({ behavior }))).code, code);
        const expected = code === Code.Unavailable || code === Code.DeadlineExceeded ? 3 : 1;
        assert.equal(backend.counters.byRequestId.get(behavior.requestId), expected, Code[code]);
      }
    });
  });

  test(`a stream of a ${server} server that broke after messages is not repeated: none comes twice`, async () => {
    const backend: EchoBackend = await start();
    await withClient([backend], {}, async (client) => {
      const indexes: number[] = [];
      const messages = client.serverStream({ count: 9, failAfter: 3, behavior: unavailable });
      assert.equal((await failureOf(indexesOf(messages, indexes))).code, Code.Unavailable);
      assert.deepEqual(indexes, [0, 1, 2]);
      assert.equal(backend.counters.executions, 1);
    });
  });

  test(`the call's own deadline at a slow ${server} handler is one execution`, async () => {
    const backend: EchoBackend = await start();
    await withClient([backend], {}, async (client) => {
      for (let i = 0; i < 10; i++) {
        const call = client.unary({ behavior: { delayMs: 10_000, requestId: "slow" } }, { timeoutMs: 50 });
        assert.equal((await failureOf(call)).code, Code.DeadlineExceeded);
      }
      await until("every handler was told", () => backend.counters.running === 0);
      assert.ok(backend.counters.executions <= 10);
    });
  });

  test(`pushback from a ${server} server: 300 is waited for, -1 and junk stop the retries`, async () => {
    const backend: EchoBackend = await start();
    await withClient([backend], {}, async (client) => {
      const startedMs = performance.now();
      const waited = await client.unary({ behavior: { ...unavailable, failAttempts: 1, pushbackMs: "300" } });
      assert.equal(waited.served?.execution, 2);
      assert.ok(performance.now() - startedMs > 290);
      for (const pushbackMs of ["-1", "junk"]) {
        await failureOf(client.unary({ behavior: { ...unavailable, requestId: pushbackMs, pushbackMs } }));
        assert.equal(backend.counters.byRequestId.get(pushbackMs), 1);
      }
    });
  });

  test(`idempotentOnly runs a call at a ${server} server again only if its method is declared idempotent`, async () => {
    const backend: EchoBackend = await start();
    await withClient([backend], { idempotentOnly: true }, async (client) => {
      await failureOf(client.unary({ behavior: { ...unavailable, requestId: "unsafe" } }));
      await failureOf(client.unaryIdempotent({ behavior: { ...unavailable, requestId: "safe" } }));
      assert.equal(backend.counters.byRequestId.get("unsafe"), 1);
      assert.equal(backend.counters.byRequestId.get("safe"), 3);
    });
  });

  test(`retry: false is one execution at a ${server} server, for a transport and for a single call`, async () => {
    const backend: EchoBackend = await start();
    await withClient([backend], {}, async (client) => {
      const contextValues = createContextValues().set(glinkCall, { retry: false });
      await failureOf(client.unary({ behavior: unavailable }, { contextValues }));
      assert.equal(backend.counters.executions, 1);
    });
    const other: EchoBackend = await start();
    await withClient([other], false, async (client) => {
      await failureOf(client.unary({ behavior: unavailable }));
      assert.equal(other.counters.executions, 1);
    });
  });
}

test("a server stream that failed before its headers is retried", async () => {
  // grpc-js answers such an error with trailers only. A connect-node server sends headers first: that commits.
  const backend = await startGrpcJsEcho();
  await withClient([backend], {}, async (client) => {
    const messages = client.serverStream({ count: 3, behavior: { ...unavailable, failAttempts: 2 } });
    assert.deepEqual(await indexesOf(messages), [0, 1, 2]);
    assert.equal(backend.counters.executions, 3);
  });
});

test("one slow backend of three: a call that meets it succeeds elsewhere after perAttemptTimeoutMs", async () => {
  const slow = await startFleet(1, staySilent);
  const backends = [
    { address: slow.addresses[0] as string, close: () => slow.close() },
    await startConnectEcho(),
    await startGrpcJsEcho(),
  ];
  await withClient(backends, { perAttemptTimeoutMs: 200 }, async (client) => {
    for (let i = 0; i < 3; i++) await client.unaryIdempotent({ text: "anybody" }, { timeoutMs: 3_000 });
    assert.ok(slow.calls.length >= 1);
  });
});

test("a fleet that answers Unavailable to all gets 1.1 x its calls and the reserve, and no call above maxAttempts", async () => {
  const backends = [await startConnectEcho(), await startConnectEcho(), await startGrpcJsEcho()];
  await withClient(backends, {}, async (client) => {
    const calls = 400;
    let next = 0;
    const worker = async () => {
      while (next < calls) {
        const behavior = { failCode: Code.Unavailable, requestId: `call ${next++}` };
        assert.equal((await failureOf(client.unary({ behavior }, { timeoutMs: 20_000 }))).code, Code.Unavailable);
      }
    };
    const startedMs = performance.now();
    await Promise.all(Array.from({ length: 30 }, worker));
    const seconds = (performance.now() - startedMs) / 1_000;
    const executions = backends.reduce((sum, { counters }) => sum + counters.executions, 0);
    // A run beyond the window of 10 s, on a very slow machine, gets the whole reserve again.
    const reserve = 100 * (1 + Math.floor(seconds / 10));
    assert.ok(executions <= 1.1 * calls + reserve, `${executions} executions`);
    assert.ok(executions > calls);
    for (let call = 0; call < calls; call++) {
      const times = backends.reduce((sum, { counters }) => sum + (counters.byRequestId.get(`call ${call}`) ?? 0), 0);
      assert.ok(times >= 1 && times <= 3, `call ${call} was executed ${times} times`);
    }
  });
});

/** A backend that runs `count` calls and is then killed: no answer, no GOAWAY. */
async function startDying(count: number) {
  const requests = { received: 0 };
  const fleet = await startFleet(1, ({ stream, cut }) => {
    stream.resume();
    stream.once("end", () => {
      if (++requests.received === count) cut();
    });
  });
  return { address: fleet.addresses[0] as string, close: () => fleet.close(), requests };
}

test("a call whose server dies after running it: with idempotentOnly it ran once, and is Unavailable", async () => {
  const dying = await startDying(1);
  const living = await startConnectEcho();
  await withClient([dying, living], { idempotentOnly: true }, async (client) => {
    const failures: ConnectError[] = [];
    for (let i = 0; i < 2; i++) await client.unary({}).catch((error: ConnectError) => failures.push(error));
    assert.equal(failures.length, 1);
    assert.equal(failures[0]?.code, Code.Unavailable);
    assert.match(failures[0]?.message ?? "", /may have run and its method is not declared idempotent/);
    assert.deepEqual([dying.requests.received, living.counters.executions], [1, 1]);
  });
});

test("calls whose server dies under them run again elsewhere by default, each once more", async () => {
  const dying = await startDying(200);
  const living = await startConnectEcho();
  await withClient([dying, living], {}, async (client) => {
    const call = (i: number) => client.unary({ behavior: { requestId: `call ${i}` } });
    const answers = await Promise.all(Array.from({ length: 400 }, (_, i) => call(i)));
    for (const { served } of answers) assert.deepEqual([served?.backend, served?.execution], [living.address, 1]);
    assert.deepEqual([dying.requests.received, living.counters.executions], [200, 400]);
  });
});
