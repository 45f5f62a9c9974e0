import assert from "node:assert/strict";
import { test } from "node:test";
import { Code, ConnectError, createContextValues } from "@connectrpc/connect";
import {
  type Backend,
  type GlinkTransportOptions,
  glinkCall,
  type LoadBalancing,
  type Picker,
  pickFromReady,
} from "../../../../src/index.ts";
import { clientPassesReturnOn } from "../../../support/connect-client.ts";
import { checkForLeaks } from "../../../support/leaks.ts";
import { until } from "../../../support/load.ts";
import {
  answer,
  type Bench,
  begin,
  errorOf,
  failTrailersOnly,
  framedText,
  loseConnection,
  type Script,
  staySilent,
  withBench,
} from "../scripted-server.ts";

checkForLeaks();

/** One way for a call to end, in a transport that has a single place for open calls. */
interface End {
  /** What the server does with this call; the others it answers. */
  readonly script?: Script;
  readonly options?: Partial<GlinkTransportOptions>;
  readonly call: (bench: Bench) => Promise<unknown>;
}

const bad = (): never => {
  throw new Error("bad mood");
};

const ends: Readonly<Record<string, End>> = {
  "an answer": { call: ({ client }) => client.unary({}) },
  "a status": { script: failTrailersOnly(Code.NotFound), call: ({ client }) => errorOf(client.unary({})) },
  "a lost connection": { script: loseConnection, call: ({ client }) => errorOf(client.unary({})) },
  "its deadline": {
    script: staySilent,
    call: async ({ client, clock, fleet }) => {
      const failed = errorOf(client.unary({}, { timeoutMs: 50 }));
      await until("it is sent", () => fleet.calls.length === 1);
      await clock.advance(50);
      await failed;
    },
  },
  "an abort before it began": {
    call: ({ client }) => errorOf(client.unary({}, { signal: AbortSignal.abort() })),
  },
  "an abort while it waits": {
    options: { loadBalancing: firstly(() => "queue") },
    call: async ({ client }) => {
      const abort = new AbortController();
      const failed = errorOf(client.unary({}, { signal: abort.signal }));
      abort.abort();
      await failed;
    },
  },
  "a drop of the policy": {
    options: { loadBalancing: firstly(() => ({ drop: "not you" })) },
    call: ({ client }) => errorOf(client.unary({})),
  },
  "a picker that throws": {
    options: { loadBalancing: firstly(bad) },
    call: ({ client }) => errorOf(client.unary({})),
  },
  "a call option that is wrong": {
    call: ({ client }) => {
      const contextValues = createContextValues().set(glinkCall, { retry: { maxAttempts: 0 } });
      return errorOf(client.unary({}, { contextValues }));
    },
  },
  "a header that is wrong": { call: ({ client }) => errorOf(client.unary({}, { headers: [["x y", "1"]] })) },
  "a message above writeMaxBytes": {
    options: { writeMaxBytes: 50 },
    call: ({ client }) => errorOf(client.unary({ text: "x".repeat(100) })),
  },
  "a message that cannot be read": {
    script: ({ stream }) => {
      stream.respond({ ":status": 200, "content-type": "application/grpc+proto" }, { waitForTrailers: true });
      stream.on("wantTrailers", () => stream.sendTrailers({ "grpc-status": "0" }));
      stream.end(Buffer.from([0, 0, 0, 0, 2, 255, 255]));
    },
    call: ({ client }) => errorOf(client.unary({})),
  },
  "a message above readMaxBytes": {
    script: answer("x".repeat(100)),
    options: { readMaxBytes: 50 },
    call: ({ client }) => errorOf(client.unary({})),
  },
  "onAttempt that throws": {
    script: failTrailersOnly(Code.NotFound),
    call: ({ client }) =>
      errorOf(client.unary({}, { contextValues: createContextValues().set(glinkCall, { onAttempt: bad }) })),
  },
  "an instrumentation that throws": {
    options: { instrumentation: { callStarted: () => ({ attemptStarted: bad, ended: bad }) } as never },
    call: ({ client }) => client.unary({}),
  },
  "an interceptor that throws before": {
    options: { interceptors: [(next) => (request) => (request.header.has("x-first") ? bad() : next(request))] },
    call: ({ client }) => errorOf(client.unary({}, { headers: { "x-first": "1" } })),
  },
  "an interceptor that throws after": {
    options: {
      interceptors: [
        (next) => async (request) => {
          const response = await next(request);
          return request.header.has("x-first") ? bad() : response;
        },
      ],
    },
    call: ({ client }) => errorOf(client.unary({}, { headers: { "x-first": "1" } })),
  },
  "a response stream that was left": {
    script: begin(framedText("first")),
    call: async ({ client }) => {
      const messages = client.serverStream({})[Symbol.asyncIterator]();
      await messages.next();
      await messages.return?.();
    },
  },
  "a response stream whose reader threw": {
    script: begin(framedText("first")),
    call: async ({ client }) => {
      const messages = client.serverStream({})[Symbol.asyncIterator]();
      await messages.next();
      await assert.rejects(async () => messages.throw?.(new Error("enough")));
    },
  },
  "a request stream that throws": {
    script: staySilent,
    call: ({ client }) =>
      errorOf(
        client.clientStream(
          // biome-ignore lint/correctness/useYield: it fails before its first message
          (async function* () {
            throw new ConnectError("no more", Code.Aborted);
          })(),
        ),
      ),
  },
  "an early answer to a request stream": {
    script: failTrailersOnly(Code.ResourceExhausted),
    options: { retry: false },
    call: ({ client }) =>
      errorOf(
        client.clientStream(
          (async function* () {
            yield { text: "a" };
            await new Promise(() => undefined);
          })(),
        ),
      ),
  },
  "hedges, of which one won": {
    script: staySilent,
    options: { hedging: { delayMs: 0 } },
    call: ({ client }) => client.unaryIdempotent({}),
  },
  "hedges that were cancelled": {
    script: staySilent,
    options: { hedging: { delayMs: 0, maxAttempts: 2 } },
    call: async ({ client }) => {
      const abort = new AbortController();
      const failed = errorOf(client.unaryIdempotent({}, { signal: abort.signal }));
      abort.abort();
      await failed;
    },
  },
};

/** Returns this first, and then a backend. */
function firstly(result: () => ReturnType<Picker["pick"]>): LoadBalancing {
  let picks = 0;
  return pickFromReady("firstly", ([backend]) => ({
    pick: () => (picks++ === 0 ? result() : (backend as Backend)),
  }));
}

/** What a client before Connect 2.3 tells no transport. */
const leaves: readonly string[] = ["a response stream that was left", "a response stream whose reader threw"];
const skipLeaves = !(await clientPassesReturnOn()) && "before Connect 2.3 the client tells no transport of it";

for (const [how, { script = answer("ok"), options = {}, call }] of Object.entries(ends)) {
  test(`the place of an open call is given back after ${how}`, { skip: leaves.includes(how) && skipLeaves }, () =>
    withBench(
      {
        script: (received) => (received.number === 0 ? script : answer("ok"))(received),
        options: { maxOpenCalls: 1, retry: { maxAttempts: 1 }, ...options },
      },
      async (bench) => {
        const { client, transport } = bench;
        await call(bench);
        assert.equal((await client.unary({})).text, "ok");
        assert.equal((await client.unary({})).text, "ok");
        const { openCalls, calls } = transport.snapshot();
        assert.deepEqual([openCalls, calls.dropped], [0, { "max-open-calls": 0, admission: 0 }]);
      },
    ),
  );
}
