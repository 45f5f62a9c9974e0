import assert from "node:assert/strict";
import { test } from "node:test";
import { Code, type Interceptor } from "@connectrpc/connect";
import { compressionGzip } from "@connectrpc/connect-node";
import { type AttemptReport, type GlinkEvent, glinkFailureOf, type HedgingOptions } from "../../../../src/index.ts";
import { checkForLeaks } from "../../../support/leaks.ts";
import { until } from "../../../support/load.ts";
import {
  answer,
  type Bench,
  begin,
  bodyOf,
  errorOf,
  failTrailersOnly,
  framedText,
  inTurn,
  loseConnection,
  type ReceivedCall,
  refuse,
  type Script,
  staySilent,
  watched,
  withBench,
} from "../scripted-server.ts";

checkForLeaks();

const unavailable = failTrailersOnly(Code.Unavailable);

/** Three backends, and calls that hedge after 50 ms. */
function hedged(script: Script, work: (bench: Bench) => Promise<void>, hedging: Partial<HedgingOptions> = {}) {
  return withBench({ backends: 3, script, options: { hedging: { delayMs: 50, ...hedging } } }, work);
}

/** How the streams of the calls ended at the servers, as far as they have: an HTTP/2 code each. */
function resets({ fleet }: Bench): (number | undefined)[] {
  return fleet.calls.map(({ stream }) => (stream.closed ? stream.rstCode : undefined));
}

async function received(bench: Bench, count: number): Promise<void> {
  await until(`servers have ${count} attempts`, () => bench.fleet.calls.length === count);
}

test("a call that is not answered in time goes to other backends too, one by one, and the first answer is the call's", () =>
  hedged(inTurn(staySilent, staySilent, answer("third")), async (bench) => {
    const { client, clock, fleet, transport } = bench;
    const { reports, contextValues } = watched();
    const answered = client.unaryIdempotent({ text: "x" }, { contextValues });
    await received(bench, 1);
    await clock.advance(49);
    assert.equal(fleet.calls.length, 1);
    await clock.advance(1);
    await received(bench, 2);
    await clock.advance(50);
    assert.equal((await answered).text, "third");
    await received(bench, 3);
    assert.equal(new Set(fleet.calls.map(({ backend }) => backend)).size, 3, "each went to another one");
    assert.deepEqual(
      fleet.calls.map(({ headers }) => headers["grpc-previous-rpc-attempts"]),
      [undefined, "1", "2"],
    );
    await until("the losers are cancelled", () => resets(bench)[0] === 8 && resets(bench)[1] === 8);
    assert.deepEqual(
      reports.map(({ attempt, code }) => [attempt, code]),
      [
        [1, Code.Canceled],
        [2, Code.Canceled],
        [3, undefined],
      ],
    );
    const { attempts, hedges, retries } = transport.snapshot().calls;
    assert.deepEqual({ attempts, hedges, retries }, { attempts: 3, hedges: 2, retries: 0 });
  }));

test("a call whose answer is on its way is not hedged, however slowly it comes, and is sent again if that connection is lost", () =>
  hedged(inTurn(begin(framedText("a large answer").subarray(0, 8)), answer("another")), async (bench) => {
    const { client, clock, fleet } = bench;
    const answered = client.unaryIdempotent({});
    await received(bench, 1);
    const { session, cut } = fleet.calls[0] as ReceivedCall;
    await new Promise((resolve) => session.ping(resolve));
    await clock.advance(1_000);
    assert.equal(fleet.calls.length, 1);
    cut();
    assert.equal((await answered).text, "another");
  }));

test("headers are no answer: a call of which nothing else has come is hedged", () =>
  hedged(inTurn(begin(), answer("another")), async (bench) => {
    const answered = bench.client.unaryIdempotent({});
    await received(bench, 1);
    await bench.clock.advance(50);
    assert.equal((await answered).text, "another");
  }));

test("a call that is answered in time is sent once, and leaves no timer", () =>
  hedged(answer("ok"), async (bench) => {
    const { client, clock, fleet } = bench;
    await client.unaryIdempotent({});
    const before = clock.pending;
    await client.unaryIdempotent({});
    assert.equal(clock.pending, before);
    await clock.advance(1_000);
    assert.equal(fleet.calls.length, 2);
  }));

test("methods that are not declared idempotent, and streams of requests, are sent once", () =>
  hedged(staySilent, async (bench) => {
    const { client, clock, fleet } = bench;
    const abort = new AbortController();
    const { signal } = abort;
    const calls = [errorOf(client.unary({}, { signal })), errorOf(client.clientStream(never(), { signal }))];
    await received(bench, 2);
    await clock.advance(1_000);
    assert.equal(fleet.calls.length, 2);
    abort.abort();
    await Promise.all(calls);
  }));

async function* never(): AsyncGenerator<never> {
  yield* [];
}

test("a method that is not declared idempotent is hedged where that is asked for, and each attempt has the whole request", () => {
  const bodies: Buffer[] = [];
  const keepBody: Script = (call) => {
    bodyOf(call).then(
      (body) => bodies.push(body),
      () => undefined,
    );
  };
  return hedged(keepBody, async (bench) => {
    const { client, clock } = bench;
    const abort = new AbortController();
    const { contextValues } = watched({ hedging: { idempotentOnly: false } });
    const failed = errorOf(client.unary({ text: "whole" }, { contextValues, signal: abort.signal }));
    await received(bench, 1);
    await clock.advance(50);
    await until("both requests are read", () => bodies.length === 2);
    assert.ok(bodies[0]?.includes("whole"));
    assert.deepEqual(bodies[1], bodies[0]);
    abort.abort();
    await failed;
  });
});

test("without a delay all attempts start at once, each elsewhere", () =>
  hedged(
    inTurn(staySilent, answer("second"), staySilent),
    async (bench) => {
      assert.equal((await bench.client.unaryIdempotent({})).text, "second");
      assert.equal(new Set(bench.fleet.calls.map(({ backend }) => backend)).size, 3);
    },
    { delayMs: 0 },
  ));

test("a non-fatal failure sends the next attempt at once, and the delay begins again", () =>
  hedged(inTurn(unavailable, staySilent, answer("third")), async (bench) => {
    const { client, clock } = bench;
    const { reports, contextValues } = watched();
    const answered = client.unaryIdempotent({}, { contextValues });
    await received(bench, 2);
    await clock.advance(49);
    assert.equal(bench.fleet.calls.length, 2);
    await clock.advance(1);
    assert.equal((await answered).text, "third");
    assert.deepEqual(
      reports.map(({ attempt, code, retryDelayMs }) => [attempt, code, retryDelayMs]),
      [
        [1, Code.Unavailable, 0],
        [2, Code.Canceled, undefined],
        [3, undefined, undefined],
      ],
    );
  }));

test("any other status of a server ends the call, and the other attempts are cancelled", () =>
  hedged(inTurn(staySilent, failTrailersOnly(Code.NotFound)), async (bench) => {
    const failed = errorOf(bench.client.unaryIdempotent({}));
    await received(bench, 1);
    await bench.clock.advance(50);
    const error = await failed;
    assert.equal(error.code, Code.NotFound);
    assert.equal(glinkFailureOf(error)?.attempts, 2);
    await until("the other one is cancelled", () => resets(bench)[0] === 8);
  }));

test("when all fail, the last failure is the call's, and its error tells of the others", () =>
  hedged(unavailable, async (bench) => {
    const error = await errorOf(bench.client.unaryIdempotent({}));
    assert.equal(error.code, Code.Unavailable);
    assert.equal(bench.fleet.calls.length, 3);
    const { attempts, note } = glinkFailureOf(error) ?? {};
    assert.equal(attempts, 3);
    assert.match(note ?? "", /^other attempts failed with Unavailable from 127.*; Unavailable from 127/);
  }));

test("a lost connection does not end a call while another attempt is under way", () =>
  hedged(
    (call) => (call.number === 0 ? answerLater(call) : loseConnection(call)),
    async (bench) => {
      const { client, clock } = bench;
      const answered = client.unaryIdempotent({});
      await received(bench, 1);
      await clock.advance(50);
      await received(bench, 3);
      release();
      assert.equal((await answered).text, "at last");
    },
  ));

let release = () => {};
const answerLater: Script = (call) => {
  release = () => answer("at last")(call);
};

test("an attempt that a server refused unseen is repeated without using one up", () =>
  hedged(
    inTurn(refuse, staySilent, answer("third")),
    async (bench) => {
      const answered = bench.client.unaryIdempotent({});
      await received(bench, 2);
      await bench.clock.advance(50);
      assert.equal((await answered).text, "third");
      const { transparentRetries, hedges } = bench.transport.snapshot().calls;
      assert.deepEqual({ transparentRetries, hedges }, { transparentRetries: 1, hedges: 1 });
    },
    { maxAttempts: 2 },
  ));

test("a caller who aborts as it hears that an attempt is repeated hears of that attempt once", () =>
  hedged(inTurn(refuse, staySilent), async (bench) => {
    const abort = new AbortController();
    const codes: (Code | undefined)[] = [];
    const onAttempt = ({ code }: AttemptReport) => {
      codes.push(code);
      abort.abort();
    };
    const { contextValues } = watched({ onAttempt });
    const failed = errorOf(bench.client.unaryIdempotent({}, { contextValues, signal: abort.signal }));
    assert.equal((await failed).code, Code.Canceled);
    assert.deepEqual(codes, [Code.Unavailable]);
    assert.equal(bench.fleet.calls.length, 1);
  }));

test("a pushback is waited for exactly, and one that says stop is the end of hedging, not of the call", () =>
  hedged(
    inTurn(staySilent, failTrailersOnly(Code.Unavailable, { "grpc-retry-pushback-ms": "500" }), (call) =>
      failTrailersOnly(Code.Unavailable, { "grpc-retry-pushback-ms": "-1" })(call),
    ),
    async (bench) => {
      const { client, clock, fleet } = bench;
      const abort = new AbortController();
      const failed = errorOf(client.unaryIdempotent({}, { signal: abort.signal }));
      await received(bench, 1);
      await clock.advance(50);
      await received(bench, 2);
      await settled();
      await clock.advance(499);
      assert.equal(fleet.calls.length, 2);
      await clock.advance(1);
      await received(bench, 3);
      await settled();
      await clock.advance(10_000);
      assert.equal(fleet.calls.length, 3);
      abort.abort();
      assert.equal((await failed).code, Code.Canceled);
    },
    { maxAttempts: 5 },
  ));

/** Until what servers wrote has been read. */
async function settled(): Promise<void> {
  await new Promise((resolve) => setTimeout(resolve, 20));
}

test("a pushback is waited for though another attempt fails meanwhile, and is the last that may", () =>
  hedged(inTurn(staySilent, staySilent, answer("third")), async (bench) => {
    const { client, clock, fleet } = bench;
    const { reports, contextValues } = watched();
    const answered = client.unaryIdempotent({}, { contextValues });
    await received(bench, 1);
    await clock.advance(50);
    await received(bench, 2);
    const [first, second] = fleet.calls as [ReceivedCall, ReceivedCall];
    failTrailersOnly(Code.Unavailable, { "grpc-retry-pushback-ms": "1000" })(first);
    await until("the first has failed", () => reports.length === 1);
    unavailable(second);
    await until("the second has failed", () => reports.length === 2);
    await clock.advance(999);
    assert.equal(fleet.calls.length, 2);
    await clock.advance(1);
    assert.equal((await answered).text, "third");
  }));

test("a call that its caller cancels on hearing of the budget has ended once", () =>
  withBench(
    {
      backends: 3,
      script: unavailable,
      options: { hedging: { delayMs: 50 }, retry: { budget: { ratio: 0, minPerSecond: 0 } } },
    },
    async ({ client, transport }) => {
      const abort = new AbortController();
      const failures: GlinkEvent[] = [];
      transport.subscribe((event) => {
        if (event.type === "retry-withheld") abort.abort();
        if (event.type === "attempt-failed") failures.push(event);
      });
      assert.equal((await errorOf(client.unaryIdempotent({}, { signal: abort.signal }))).code, Code.Canceled);
      assert.equal(failures.length, 1);
      assert.equal(transport.snapshot().calls.attempts, 1);
    },
  ));

test("hedges take from the retry budget: without any left a call is sent once, and that is counted", () =>
  withBench(
    {
      backends: 2,
      script: (call) => (call.number === 0 ? answerLater(call) : staySilent(call)),
      options: { hedging: { delayMs: 50 }, retry: { budget: { ratio: 0, minPerSecond: 0 } } },
    },
    async (bench) => {
      const events: GlinkEvent[] = [];
      bench.transport.subscribe((event) => events.push(event));
      const answered = bench.client.unaryIdempotent({});
      await received(bench, 1);
      await bench.clock.advance(1_000);
      assert.equal(bench.fleet.calls.length, 1);
      assert.equal(bench.transport.snapshot().calls.retriesWithheld.budget, 1);
      const withheld = events.filter(({ type }) => type === "retry-withheld");
      assert.equal(withheld.length, 1);
      release();
      await answered;
    },
  ));

test("one deadline holds for all attempts, and its error names the backends that did not answer", () =>
  hedged(staySilent, async (bench) => {
    const { client, clock } = bench;
    const failed = errorOf(client.unaryIdempotent({}, { timeoutMs: 200 }));
    for (let sent = 1; sent <= 3; sent++) {
      await received(bench, sent);
      await clock.advance(50);
    }
    await clock.advance(50);
    const error = await failed;
    assert.equal(error.code, Code.DeadlineExceeded);
    const [a, b, c] = bench.fleet.calls.map(({ backend }) => backend);
    assert.ok(error.rawMessage.includes(`hedged: no answer from ${a} and ${b} and ${c}`), error.rawMessage);
    assert.deepEqual(
      bench.fleet.calls.map(({ headers }) => headers["grpc-timeout"]),
      ["200m", "150m", "100m"],
    );
    await until("all are cancelled", () => resets(bench).every((code) => code === 8));
  }));

test("an abort cancels every attempt", () =>
  hedged(staySilent, async (bench) => {
    const abort = new AbortController();
    const failed = errorOf(bench.client.unaryIdempotent({}, { signal: abort.signal }));
    await received(bench, 1);
    await bench.clock.advance(50);
    await received(bench, 2);
    abort.abort();
    assert.equal((await failed).code, Code.Canceled);
    await until("all are cancelled", () => resets(bench).every((code) => code === 8));
    await bench.clock.advance(1_000);
    assert.equal(bench.fleet.calls.length, 2);
  }));

test("a server stream is the one whose headers come first, and its request goes whole to each", () =>
  hedged(
    inTurn(staySilent, begin()),
    async (bench) => {
      const { client, clock, fleet } = bench;
      const iterator = client.serverStream({ text: "all of it" })[Symbol.asyncIterator]();
      const first = iterator.next().catch((error: unknown) => error);
      await received(bench, 1);
      await clock.advance(50);
      await received(bench, 2);
      await until("the other one is cancelled", () => resets(bench)[0] === 8);
      await clock.advance(1_000);
      assert.equal(fleet.calls.length, 2, "committed, it is not hedged any more");
      fleet.calls[1]?.cut();
      assert.equal(((await first) as { code: Code }).code, Code.Unavailable);
      assert.equal(fleet.calls.length, 2);
    },
    { idempotentOnly: false },
  ));

test("a request above retry.bufferMaxBytes is sent once", () =>
  withBench(
    {
      script: staySilent,
      options: { hedging: { delayMs: 0, idempotentOnly: false }, retry: { bufferMaxBytes: 100 } },
    },
    async (bench) => {
      const failed = errorOf(bench.client.unary({ payload: new Uint8Array(200) }, { timeoutMs: 100 }));
      await received(bench, 1);
      await bench.clock.advance(100);
      await failed;
      assert.equal(bench.fleet.calls.length, 1);
    },
  ));

test("a call that waits for a connection is not hedged while it waits", () =>
  hedged(staySilent, async ({ client, clock, fleet, transport }) => {
    await fleet.close();
    await until("nothing is ready", () => transport.snapshot().state !== "ready");
    const abort = new AbortController();
    const { contextValues } = watched({ waitForReady: true });
    const failed = errorOf(client.unaryIdempotent({}, { contextValues, signal: abort.signal }));
    await clock.advance(200);
    assert.equal(transport.snapshot().queuedCalls, 1);
    abort.abort();
    await failed;
  }));

test("interceptors see one call of a hedged one, and each attempt has the compressed request whole", () => {
  const bodies: Buffer[] = [];
  const script: Script = (call) => {
    if (call.number === 1) answer("second")(call);
    bodyOf(call).then(
      (body) => bodies.push(body),
      () => undefined,
    );
  };
  let seen = 0;
  const counting: Interceptor = (next) => async (request) => {
    seen++;
    request.header.set("x-seen", String(seen));
    const response = await next(request);
    response.header.set("x-answered", "1");
    return response;
  };
  const options = {
    hedging: { delayMs: 50 },
    interceptors: [counting],
    sendCompression: compressionGzip,
    compressMinBytes: 0,
  };
  return withBench({ backends: 3, script, options }, async (bench) => {
    const { client, clock, fleet } = bench;
    const headers: string[] = [];
    const answered = client.unaryIdempotent(
      { text: "x".repeat(1_000) },
      { onHeader: (header) => headers.push(header.get("x-answered") ?? "") },
    );
    await received(bench, 1);
    await clock.advance(50);
    assert.equal((await answered).text, "second");
    await until("both requests are read", () => bodies.length === 2);
    assert.equal(seen, 1);
    assert.deepEqual(headers, ["1"]);
    assert.equal(bodies[0]?.[0], 1, "it is compressed");
    assert.ok((bodies[0]?.length ?? 1_000) < 200);
    assert.deepEqual(bodies[1], bodies[0]);
    assert.deepEqual(
      fleet.calls.map(({ headers: own }) => [own["x-seen"], own["grpc-encoding"]]),
      [
        ["1", "gzip"],
        ["1", "gzip"],
      ],
    );
  });
});
