import assert from "node:assert/strict";
import { test } from "node:test";
import { Code } from "@connectrpc/connect";
import { type GlinkTransportOptions, glinkFailureOf } from "../../../../src/index.ts";
import { checkForLeaks } from "../../../support/leaks.ts";
import { until } from "../../../support/load.ts";
import {
  answer,
  type Bench,
  errorOf,
  failAfterHeaders,
  failTrailersOnly,
  inTurn,
  type ReceivedCall,
  type Script,
  staySilent,
  watched,
  withBench,
} from "../scripted-server.ts";

// What the attempts of a hedged call take of what all calls of a transport share: the retry budget and gRFC A6's tokens.

checkForLeaks();

const unavailable = failTrailersOnly(Code.Unavailable);
const waitThen = (ms: string) => failTrailersOnly(Code.Unavailable, { "grpc-retry-pushback-ms": ms });

function hedged(script: Script, options: Partial<GlinkTransportOptions>, work: (bench: Bench) => Promise<void>) {
  return withBench({ backends: 3, script, options: { hedging: { delayMs: 50, maxAttempts: 5 }, ...options } }, work);
}

async function received({ fleet }: Bench, count: number): Promise<void> {
  await until(`servers have ${count} attempts`, () => fleet.calls.length === count);
}

/** Retries and hedges that the budget has counted. */
function usedOf({ transport }: Bench): number | undefined {
  return transport.snapshot().retryBudget?.used;
}

/** Two attempts, of which the first failed with a wait of a second for the third, and then the other one with `second`. */
async function failBoth(bench: Bench, second: Script) {
  const { client, clock, fleet } = bench;
  const { reports, contextValues } = watched();
  const done = client.unaryIdempotent({}, { contextValues });
  // It may fail before the test looks.
  done.catch(() => undefined);
  await received(bench, 1);
  await clock.advance(50);
  await received(bench, 2);
  const [one, other] = fleet.calls as [ReceivedCall, ReceivedCall];
  waitThen("1000")(one);
  await until("the first has failed", () => reports.length === 1);
  second(other);
  await until("the second has failed", () => reports.length === 2);
  return { done };
}

test("two attempts that fail while a third waits take it from the budget once: it follows both", () =>
  hedged(inTurn(staySilent, staySilent, answer("third")), {}, async (bench) => {
    const { done } = await failBoth(bench, unavailable);
    assert.equal(usedOf(bench), 2, "the hedge, and the one that waits");
    await bench.clock.advance(1_000);
    assert.equal((await done).text, "third");
    assert.equal(usedOf(bench), 2);
    const { hedges, retriesWithheld } = bench.transport.snapshot().calls;
    assert.deepEqual({ hedges, withheld: retriesWithheld.budget }, { hedges: 2, withheld: 0 });
  }));

test("an attempt that fails while the last one that the budget had waits is not told that the budget is used up", () =>
  hedged(
    inTurn(staySilent, staySilent, answer("third")),
    { retry: { budget: { ratio: 0, minPerSecond: 0.2 } } },
    async (bench) => {
      const { done } = await failBoth(bench, unavailable);
      assert.equal(bench.transport.snapshot().calls.retriesWithheld.budget, 0);
      await bench.clock.advance(1_000);
      assert.equal((await done).text, "third");
    },
  ));

test("a server that asks for no more attempts is heeded also where the last one that may be made waits already", () =>
  hedged(
    inTurn(staySilent, staySilent, answer("third")),
    { hedging: { delayMs: 50, maxAttempts: 3 } },
    async (bench) => {
      const { done } = await failBoth(bench, waitThen("-1"));
      const failed = errorOf(done);
      await bench.clock.advance(10_000);
      assert.equal(bench.fleet.calls.length, 2);
      assert.equal(glinkFailureOf(await failed)?.attempts, 2);
    },
  ));

test("of two servers that ask for a wait the one that asks for longer is heeded", () =>
  hedged(inTurn(staySilent, staySilent, answer("third")), {}, async (bench) => {
    const { done } = await failBoth(bench, waitThen("3000"));
    await bench.clock.advance(2_999);
    assert.equal(bench.fleet.calls.length, 2);
    await bench.clock.advance(1);
    assert.equal((await done).text, "third");
  }));

/** A service config's throttle, and how many attempts a call gets that fails each time: what that says of its tokens. */
const throttled = (
  maxTokens: number,
  script: Script,
  work: (bench: Bench, attempts: () => Promise<number>) => Promise<void>,
) =>
  hedged(
    (call) => (call.headers["x-fail"] === undefined ? script : unavailable)(call),
    { hedging: { delayMs: 50, maxAttempts: 3 }, serviceConfig: { retryThrottling: { maxTokens, tokenRatio: 1 } } },
    (bench) =>
      work(bench, async () => {
        const before = bench.fleet.calls.length;
        await errorOf(bench.client.unaryIdempotent({}, { headers: { "x-fail": "1" } }));
        return bench.fleet.calls.length - before;
      }),
  );

test("each attempt of a hedged call that fails takes one token", () =>
  throttled(10, unavailable, async (_, attempts) => {
    assert.equal(await attempts(), 3, "9 and 8 of 10 tokens are more than half, and 7 are left");
    assert.equal(await attempts(), 2, "6 of 10 are more than half, and 5 are not");
    assert.equal(await attempts(), 1);
  }));

test("a hedged call that succeeds gives back what one call gives, and its attempts that were outrun take nothing", () => {
  const answers = [staySilent, answer("hedged"), answer("at once")];
  const script: Script = (call) => answers.shift()?.(call);
  return throttled(10, script, async (bench, attempts) => {
    const { client, clock } = bench;
    assert.equal(await attempts(), 3, "7 are left");
    const hedgedCall = client.unaryIdempotent({});
    await received(bench, 4);
    await clock.advance(50);
    assert.equal((await hedgedCall).text, "hedged");
    assert.equal(await attempts(), 3, "of 8 tokens 7 and 6 are more than half, and 5 are left");
    await client.unaryIdempotent({});
    assert.equal(await attempts(), 1, "of 6 tokens 5 are no more than half");
  });
});

test("a response that fails after its headers were shown takes a token, with hedging as without", async () => {
  for (const hedging of [false, { delayMs: 50, idempotentOnly: false }] as const) {
    await withBench(
      {
        script: (call) =>
          call.headers["x-fail"] === undefined ? failAfterHeaders(Code.Unavailable)(call) : unavailable(call),
        options: {
          hedging,
          retry: { initialBackoffMs: 0 },
          serviceConfig: { retryThrottling: { maxTokens: 4, tokenRatio: 1 } },
        },
      },
      async ({ client, fleet }) => {
        await errorOf(client.serverStream({})[Symbol.asyncIterator]().next());
        await errorOf(client.unaryIdempotent({}, { headers: { "x-fail": "1" } }));
        assert.equal(fleet.calls.length, 2, "of 4 tokens 3 are left after the stream, and 2 after the first attempt");
      },
    );
  }
});
