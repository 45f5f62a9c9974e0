// A caller that tries again without a wait, for as long as its call fails.
import assert from "node:assert/strict";
import { test } from "node:test";
import { Code, ConnectError, createClient, createContextValues } from "@connectrpc/connect";
import { EchoService } from "../../../proto/gen/glink/demo/v1/echo_pb.js";
import {
  type GlinkCallOptions,
  type GlinkTransport,
  type GlinkTransportOptions,
  glinkCall,
} from "../../../src/index.ts";
import { startConnectEcho } from "../../support/echo-server.ts";
import { checkForLeaks } from "../../support/leaks.ts";
import { freePort } from "../../support/programs.ts";
import { glinkTransport } from "../../support/transport.ts";
import { collect, yielding } from "./calls-harness.ts";

checkForLeaks();

type Client = ReturnType<typeof createClient<typeof EchoService>>;

/** So often a call may fail before the timer of a millisecond must have fired. */
const mostCalls = 50_000;

interface Situation {
  readonly options?: Partial<GlinkTransportOptions>;
  readonly prepare?: (transport: GlinkTransport) => Promise<void>;
  readonly call?: (client: Client, transport: GlinkTransport) => Promise<unknown>;
  readonly code: Code;
}

const wrongOptions = createContextValues().set(glinkCall, { retry: 5 } as unknown as GlinkCallOptions);

const situations: Record<string, Situation> = {
  "nothing listens, unary": { code: Code.Unavailable },
  "nothing listens, server stream": {
    code: Code.Unavailable,
    call: (client) => collect(client.serverStream({})),
  },
  "nothing listens, client stream": { code: Code.Unavailable, call: (client) => client.clientStream(yielding({})) },
  "nothing listens, bidi": { code: Code.Unavailable, call: (client) => collect(client.bidi(yielding({}))) },
  "nothing listens, behind an interceptor": {
    code: Code.Unavailable,
    options: { interceptors: [(next) => (request) => next(request)] },
  },
  "its signal is aborted": {
    code: Code.Canceled,
    call: (client) => client.unary({}, { signal: AbortSignal.abort() }),
  },
  "its signal is aborted, a stream": {
    code: Code.Canceled,
    call: (client) => collect(client.bidi(yielding({}), { signal: AbortSignal.abort() })),
  },
  "the transport is closed": {
    code: Code.FailedPrecondition,
    prepare: (transport) => transport.close(),
  },
  "ready() of a transport that is closed": {
    code: Code.FailedPrecondition,
    prepare: (transport) => transport.close(),
    call: (_, transport) => transport.ready(),
  },
  "its timeout is no number": {
    code: Code.InvalidArgument,
    call: (client) => client.unary({}, { timeoutMs: Number.NaN }),
  },
  "its header cannot be sent": {
    code: Code.InvalidArgument,
    call: (client) => client.unary({}, { headers: [["x y", "z"]] }),
  },
  "its options are wrong": {
    code: Code.InvalidArgument,
    call: (client) => client.unary({}, { contextValues: wrongOptions }),
  },
  "its message cannot be serialized": {
    code: Code.Internal,
    call: (client) => client.unary({ responseBytes: -1 }),
  },
  "its interceptor throws": {
    code: Code.Unknown,
    options: {
      interceptors: [
        () => () => {
          throw new Error("no");
        },
      ],
    },
  },
  "the name cannot be resolved": {
    code: Code.Unavailable,
    options: {
      resolver: {
        name: "none",
        watch: (_, { onError }) => {
          onError(new Error("no such name"));
          return { refresh: () => undefined, close: () => undefined };
        },
      },
    },
  },
  "the queue is full": {
    code: Code.ResourceExhausted,
    options: {
      maxQueuedCalls: 0,
      resolver: { name: "silent", watch: () => ({ refresh: () => undefined, close: () => undefined }) },
    },
  },
};

for (const [what, { options, prepare, call = (client: Client) => client.unary({}), code }] of Object.entries(
  situations,
)) {
  test(`timers and input go on while a call is repeated at once: ${what}`, async () => {
    const transport = glinkTransport({ baseUrl: `http://127.0.0.1:${await freePort()}`, retry: false, ...options });
    try {
      await prepare?.(transport);
      const client = createClient(EchoService, transport);
      let fired = false;
      setTimeout(() => {
        fired = true;
      }, 1);
      let calls = 0;
      while (!fired) {
        assert.ok(++calls < mostCalls, "no timer fires between the calls");
        const error = await call(client, transport).catch((error: unknown) => error);
        assert.ok(error instanceof ConnectError, String(error));
        assert.equal(error.code, code, error.message);
      }
    } finally {
      await transport.close({ timeoutMs: 0 });
    }
  });
}

test("a caller that tries again at once is served when its server comes", async () => {
  const port = await freePort();
  const transport = glinkTransport({ baseUrl: `http://127.0.0.1:${port}`, retry: false });
  const starting = new Promise<Awaited<ReturnType<typeof startConnectEcho>>>((resolve) => {
    setTimeout(() => resolve(startConnectEcho({ port })), 20);
  });
  try {
    const client = createClient(EchoService, transport);
    let text = "";
    for (let calls = 0; text === ""; calls++) {
      assert.ok(calls < 1_000_000, "the server was never reached");
      text = await client.unary({ text: "here" }).then(
        (response) => response.text,
        () => "",
      );
    }
    assert.equal(text, "here");
  } finally {
    await transport.close({ timeoutMs: 0 });
    await (await starting).close();
  }
});
