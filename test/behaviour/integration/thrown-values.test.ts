// What a user's code throws may be any value, one without a text among them: the call it was for fails, and nothing else.
import assert from "node:assert/strict";
import { after, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { Code, ConnectError, createClient, createContextValues } from "@connectrpc/connect";
import type { Compression } from "@connectrpc/connect/protocol";
import { EchoService } from "../../../proto/gen/glink/demo/v1/echo_pb.js";
import {
  type GlinkTransport,
  type GlinkTransportOptions,
  glinkCall,
  type LoadBalancing,
  type Logger,
  type Resolver,
} from "../../../src/index.ts";
import { startConnectEcho } from "../../support/echo-server.ts";
import { checkForLeaks } from "../../support/leaks.ts";
import { collect, until, withGlink } from "./calls-harness.ts";

checkForLeaks();

const unhandled: unknown[] = [];
process.on("unhandledRejection", (reason) => unhandled.push(reason));
after(() => assert.equal(unhandled.length, 0));

/** Values of which `String(value)` throws, and of the last two `value instanceof Error` too. */
const values: Record<string, () => unknown> = {
  "an object without a prototype": () => Object.create(null),
  "an object whose toString throws": () => ({
    toString: () => {
      throw new Error("no text");
    },
  }),
  "an error whose message throws": () =>
    Object.defineProperty(new Error(), "message", {
      get: () => {
        throw new Error("no message");
      },
    }),
  "a Proxy whose traps throw": () =>
    new Proxy(
      {},
      new Proxy(
        {},
        {
          get: () => () => {
            throw new Error("a trap");
          },
        },
      ),
    ),
  "a revoked Proxy": () => {
    const { proxy, revoke } = Proxy.revocable({}, {});
    revoke();
    return proxy;
  },
};

type Client = ReturnType<typeof createClient<typeof EchoService>>;

interface Situation {
  readonly options?: (thrower: () => never) => Partial<GlinkTransportOptions>;
  readonly call?: (client: Client, thrower: () => never) => Promise<unknown>;
  readonly code: Code;
}

const unary = (client: Client) => client.unary({});

async function* throwing(thrower: () => never) {
  yield {};
  thrower();
}

const policy = (createPolicy: LoadBalancing["createPolicy"]): LoadBalancing => ({ name: "own", createPolicy });

const situations: Record<string, Situation> = {
  "a request iterable": {
    code: Code.Internal,
    call: (client, thrower) => client.clientStream(throwing(thrower)),
  },
  "a request iterable behind interceptors": {
    options: () => ({ interceptors: [(next) => (request) => next(request)] }),
    code: Code.Internal,
    call: (client, thrower) => collect(client.bidi(throwing(thrower))),
  },
  "an interceptor": { options: (thrower) => ({ interceptors: [() => async () => thrower()] }), code: Code.Unknown },
  "an interceptor, at once": { options: (thrower) => ({ interceptors: [() => thrower] }), code: Code.Unknown },
  "an interceptor of a stream": {
    options: (thrower) => ({ interceptors: [() => async () => thrower()] }),
    code: Code.Unknown,
    call: (client) => collect(client.serverStream({})),
  },
  "an interceptor that reads the response": {
    options: (thrower) => ({
      interceptors: [
        (next) => async (request) => {
          const response = await next(request);
          return response.stream ? { ...response, message: throwing(thrower) as never } : response;
        },
      ],
    }),
    code: Code.Unknown,
    call: (client) => collect(client.serverStream({})),
  },
  "a resolver": {
    options: (thrower) => ({ resolver: { name: "own", watch: thrower } satisfies Resolver }),
    code: Code.Unavailable,
  },
  "a resolver that reports it": {
    options: (thrower) => ({
      resolver: {
        name: "own",
        watch: (_, { onError }) => {
          try {
            thrower();
          } catch (error) {
            onError(error);
          }
          return { refresh: () => undefined, close: thrower };
        },
      },
    }),
    code: Code.Unavailable,
  },
  "a picker": {
    options: (thrower) => ({
      loadBalancing: policy(({ publish }) => ({ update: () => publish({ pick: thrower }) })),
    }),
    code: Code.Internal,
  },
  "a policy": {
    options: (thrower) => ({ loadBalancing: policy(() => ({ update: thrower, close: thrower })) }),
    code: Code.Internal,
  },
  createConnection: {
    options: (thrower) => ({ nodeOptions: { createConnection: thrower } }),
    code: Code.Unavailable,
  },
  "a Compression that compresses": {
    options: (thrower) => ({
      sendCompression: { name: "gzip", compress: thrower, decompress: thrower } satisfies Compression,
      compressMinBytes: 0,
    }),
    code: Code.Internal,
  },
  "the reason of an abort": {
    code: Code.Canceled,
    call: async (client, thrower) => {
      const controller = new AbortController();
      const call = client.unary({ behavior: { delayMs: 60_000 } }, { signal: controller.signal });
      await sleep(50);
      try {
        thrower();
      } catch (error) {
        controller.abort(error);
      }
      return call;
    },
  },
};

for (const [where, { options, code, call = unary }] of Object.entries(situations)) {
  for (const [what, make] of Object.entries(values)) {
    test(`${where} that throws ${what} fails its call`, () => {
      const thrown = make();
      const thrower = (): never => {
        throw thrown;
      };
      return withGlink(
        () => startConnectEcho(),
        { retry: false, ...options?.(thrower) },
        async (transport) => {
          const error = await settled(call(createClient(EchoService, transport), thrower));
          assert.ok(error instanceof ConnectError, String(error));
          assert.equal(error.code, code, error.message);
          assert.ok(
            error.cause === thrown || where === "a Compression that compresses",
            "the cause is what was thrown",
          );
          assert.equal(transport.snapshot().openCalls, 0);
        },
      );
    });
  }
}

for (const where of ["a request iterable", "a request iterable behind interceptors", "the reason of an abort"]) {
  test(`${where} that throws a ConnectError whose code cannot be read fails its call`, () => {
    const { options, call = unary, code } = situations[where] as Situation;
    const thrown = Object.defineProperty(new ConnectError("own"), "code", {
      get: () => {
        throw new Error("no code");
      },
    });
    const thrower = (): never => {
      throw thrown;
    };
    return withGlink(
      () => startConnectEcho(),
      { retry: false, ...options?.(thrower) },
      async (transport) => {
        const error = await settled(call(createClient(EchoService, transport), thrower));
        assert.ok(error instanceof ConnectError);
        assert.deepEqual([error.code, error.cause === thrown], [code, true]);
        assert.equal(transport.snapshot().openCalls, 0);
      },
    );
  });
}

for (const [what, make] of Object.entries(values)) {
  test(`a logger, a subscriber and onAttempt that throw ${what} touch no call, and others hear of it`, () => {
    const thrower = (): never => {
      throw make();
    };
    const logger: Logger = { debug: thrower, info: thrower, warn: thrower, error: thrower };
    const contextValues = createContextValues().set(glinkCall, { onAttempt: thrower });
    return withGlink(
      () => startConnectEcho(),
      { logger },
      async (transport: GlinkTransport) => {
        transport.subscribe(thrower);
        const heard: string[] = [];
        transport.subscribe((event) => {
          if (event.type === "user-code-failed") heard.push(event.where);
        });
        await createClient(EchoService, transport).unary({}, { contextValues });
        await until(() => heard.includes("event listener") && heard.includes("onAttempt"), "both are reported");
      },
    );
  });
}

/** The error of a call that must fail; a call that stays open is an error of its own. */
async function settled(call: Promise<unknown>): Promise<unknown> {
  const abort = new AbortController();
  const outcome = await Promise.race([
    call.then(
      () => "the call succeeded",
      (error: unknown) => error,
    ),
    sleep(20_000, "the call stays open", { signal: abort.signal }).catch(() => undefined),
  ]);
  abort.abort();
  return outcome;
}
