import assert from "node:assert/strict";
import { test } from "node:test";
import { formatAddress } from "../../../src/endpoint/address.ts";
import { endpointWeight, noAttributes } from "../../../src/endpoint/attributes.ts";
import type { Resolution } from "../../../src/resolver/resolver.ts";
import type { RunEnd } from "../../../src/resolver/run-loop.ts";
import { type ListRun, type WatchListOptions, watchList } from "../../../src/resolver/watch-list.ts";
import { ManualClock, settle } from "../../support/manual-clock.ts";
import { QuietHold } from "../../support/quiet-hold.ts";
import { constantRandom } from "../../support/random.ts";

const never = Number.POSITIVE_INFINITY;

function listOf(...hosts: string[]): Resolution {
  return { endpoints: hosts.map((host) => ({ addresses: [{ host, port: 1 }], attributes: noAttributes })) };
}

/** A watch whose runs a test ends by hand, or answers with `respond`. */
function watching(
  options: Omit<WatchListOptions, "run"> & { respond?: (run: ListRun) => RunEnd | Promise<RunEnd> } = {},
  random = 0.5,
) {
  const { respond, ...others } = options;
  const clock = new ManualClock();
  const startsMs: number[] = [];
  const runs: { run: ListRun; end(end: RunEnd): Promise<void>; fail(error: unknown): Promise<void> }[] = [];
  const lists: string[][] = [];
  const errors: string[] = [];
  const run = (run: ListRun): Promise<RunEnd> => {
    startsMs.push(clock.now());
    if (respond !== undefined) return Promise.resolve(respond(run));
    return new Promise<RunEnd>((resolve, reject) => {
      runs.push({
        run,
        end: (end) => {
          resolve(end);
          return settle();
        },
        fail: (error) => {
          reject(error);
          return settle();
        },
      });
    });
  };
  const watch = watchList(
    { run, ...others },
    {
      onResolution: ({ endpoints }) =>
        lists.push(endpoints.map(({ addresses: [first] }) => formatAddress(first as { host: string; port: number }))),
      onAddresses: () => assert.fail("a watch tells resolutions"),
      onError: (error) => errors.push((error as Error).message),
    },
    { clock, random: constantRandom(random), hold: new QuietHold() },
  );
  const newest = () => runs.at(-1) as (typeof runs)[number];
  return { clock, startsMs, runs, lists, errors, watch, newest };
}

function gaps(startsMs: readonly number[]): number[] {
  return startsMs.slice(1).map((ms, i) => ms - (startsMs[i] as number));
}

test("a run begins after watch has returned, and what it reports is told at once", async () => {
  const { lists, startsMs, watch } = watching({
    debounceMs: 1_000,
    respond: (run) => {
      run.report(listOf("10.0.0.1"));
      return { againMs: never };
    },
  });
  assert.deepEqual([startsMs, lists], [[], []]);
  await settle();
  assert.deepEqual(lists, [["10.0.0.1:1"]], "the first list waits for no debounce");
  watch.close();
});

test("what is known already is not told again, in any order, and other attributes are news", async () => {
  const { lists, newest, watch } = watching();
  await settle();
  const { run } = newest();
  run.report(listOf("10.0.0.1", "10.0.0.2"));
  run.report(listOf("10.0.0.2", "10.0.0.1"));
  assert.equal(lists.length, 1);
  const { endpoints } = listOf("10.0.0.1", "10.0.0.2");
  run.report({ endpoints: endpoints.map((one) => ({ ...one, attributes: noAttributes.with(endpointWeight, 3) })) });
  assert.equal(lists.length, 2);
  run.report({ endpoints: [], authoritative: true });
  assert.equal(lists.length, 3);
  watch.close();
});

test("another service config is news, and so is another fallback, where the endpoints are the same", async () => {
  const { lists, newest, watch } = watching();
  await settle();
  const { run } = newest();
  const list = listOf("10.0.0.1");
  const config = { methodConfig: [{ name: [{}], timeout: "1s" }] };
  run.report(list);
  run.report({ ...list, config });
  assert.equal(lists.length, 2, "a config");
  run.report({ ...list, config: structuredClone(config) });
  assert.equal(lists.length, 2, "the same config, read again");
  run.report({ ...list, config: '{"methodConfig":[]}' });
  assert.equal(lists.length, 3, "another one");
  run.report({ ...list, config: new TypeError("it is no JSON") });
  run.report({ ...list, config: new TypeError("it is no JSON") });
  assert.equal(lists.length, 4, "one that cannot be read");
  run.report({ ...list, config: new TypeError("it has no choice") });
  assert.equal(lists.length, 5, "one that cannot be read for another reason");
  run.report(list);
  assert.equal(lists.length, 6, "none any more");
  const { endpoints: fallback } = listOf("10.0.0.8", "10.0.0.9");
  run.report({ ...list, fallback });
  assert.equal(lists.length, 7, "a fallback");
  run.report({ ...list, fallback: fallback.toReversed() });
  assert.equal(lists.length, 7, "the same one, in another order");
  run.report({ ...list, fallback: fallback.slice(1) });
  assert.equal(lists.length, 8, "a part of it");
  watch.close();
});

test("lists within the debounce are told as one, the last, however many come", async () => {
  const { clock, lists, newest, watch } = watching({ debounceMs: 100 });
  await settle();
  const { run } = newest();
  run.report(listOf("10.0.0.1"));
  let reads = 0;
  for (let i = 2; i <= 30; i++) {
    run.report(() => {
      reads++;
      return listOf(`10.0.0.${i}`);
    });
    await clock.advance(10);
  }
  assert.deepEqual(lists, [["10.0.0.1:1"], ["10.0.0.11:1"], ["10.0.0.21:1"]]);
  assert.equal(reads, 2, "a list that is not told is not made");
  await clock.advance(100);
  assert.deepEqual(lists.at(-1), ["10.0.0.30:1"]);
  watch.close();
});

test("a list that cannot be read is an error, and not the end of the process", async () => {
  const { clock, errors, newest, watch } = watching({ debounceMs: 100 });
  await settle();
  const { run } = newest();
  run.report(listOf("10.0.0.1"));
  run.report(() => {
    throw new Error("half a line");
  });
  await clock.advance(100);
  assert.deepEqual(errors, ["half a line"]);
  watch.close();
});

test("a failure keeps the last list, which is told again once it is confirmed", async () => {
  const { clock, lists, errors, newest, watch } = watching();
  await settle();
  newest().run.report(listOf("10.0.0.1"));
  await newest().fail(new Error("connection reset"));
  assert.deepEqual([lists.length, errors], [1, ["connection reset"]]);
  await clock.advance(1_000);
  newest().run.confirm();
  newest().run.confirm();
  assert.deepEqual(lists, [["10.0.0.1:1"], ["10.0.0.1:1"]], "once: the pool hears that the failure is over");
  watch.close();
});

test("waits after failures grow from 1 s to 30 s, ± 25 % by chance", async () => {
  for (const [random, share] of [
    [0, 0.75],
    [0.5, 1],
    [0.999_999, 1.25],
  ] as const) {
    const fail = () => Promise.reject(new Error("refused"));
    const { clock, startsMs, watch } = watching({ respond: fail }, random);
    await clock.advance(600_000);
    const waits = gaps(startsMs);
    assert.ok(Math.abs((waits[0] ?? 0) - 1_000 * share) < 1, `${waits[0]}`);
    assert.ok(Math.abs((waits.at(-1) ?? 0) - 30_000 * share) < 1, `${waits.at(-1)}`);
    watch.close();
  }
});

test("a server that cannot be asked is tried each second for a minute while calls fail, and then less and less", async () => {
  const { clock, startsMs, watch } = watching({ respond: () => Promise.reject(new Error("refused")) });
  await clock.advance(1);
  watch.refresh();
  watch.refresh();
  await clock.advance(60_000);
  const [longest] = gaps(startsMs).sort((a, b) => b - a);
  assert.ok((longest ?? 0) <= 1_020, `${longest}`);
  await clock.advance(3_600_000);
  assert.equal(gaps(startsMs).at(-1), 30_000);
  watch.close();
});

test("a rotation timer's hints do not make it urgent", async () => {
  const { clock, startsMs, watch } = watching({ respond: () => Promise.reject(new Error("refused")) });
  for (let i = 0; i < 20; i++) {
    watch.refresh();
    await clock.advance(30_000);
  }
  assert.equal(gaps(startsMs).at(-1), 30_000);
  watch.close();
});

test("a run that lasted long and then failed is tried again at once, and the waits begin at 1 s", async () => {
  const { clock, startsMs, newest, watch } = watching();
  await settle();
  newest().run.report(listOf("10.0.0.1"));
  await clock.advance(300_000);
  await newest().fail(new Error("reset"));
  await clock.advance(100);
  await newest().fail(new Error("refused"));
  await clock.advance(1_000);
  assert.deepEqual(gaps(startsMs), [300_100, 1_000]);
  watch.close();
});

test("a run that names its wait gets it: hints shorten it after an answer, and not after a failure", async () => {
  const { clock, startsMs, errors, newest, watch } = watching();
  await settle();
  await newest().end({ againMs: 20_000, error: new Error("429: Retry-After 20") });
  assert.deepEqual(errors, ["429: Retry-After 20"]);
  for (let i = 0; i < 10; i++) watch.refresh();
  await clock.advance(20_000);
  assert.deepEqual(gaps(startsMs), [20_000]);
  newest().run.report(listOf("10.0.0.1"));
  await newest().end({ againMs: 20_000 });
  watch.refresh();
  await clock.advance(1_000);
  assert.deepEqual(gaps(startsMs), [20_000, 1_000]);
  await newest().end({ againMs: 0 });
  await clock.advance(1_000);
  assert.deepEqual(gaps(startsMs), [20_000, 1_000, 1_000], "and never sooner than a second after the last start");
  watch.close();
});

test("intervals differ by ± 10 %, so that a fleet does not ask together", async () => {
  for (const [random, gap] of [
    [0, 9_000],
    [0.5, 10_000],
  ] as const) {
    const { clock, startsMs, watch } = watching({ respond: () => ({ againMs: 10_000 }) }, random);
    await clock.advance(30_000);
    assert.ok(Math.abs((gaps(startsMs)[0] ?? 0) - gap) < 1);
    watch.close();
  }
});

test("a run hears hints while it goes on, and knows whether they are urgent until it has learned something", async () => {
  const { clock, newest, watch } = watching();
  await settle();
  const { run } = newest();
  let hints = 0;
  run.onHint(() => hints++);
  watch.refresh();
  assert.deepEqual([hints, run.urgent], [1, false]);
  await clock.advance(4_000);
  watch.refresh();
  assert.deepEqual([hints, run.urgent], [2, true]);
  run.report(listOf("10.0.0.1"));
  assert.equal(run.urgent, false);
  watch.close();
});

test("a run that takes too long is aborted and has failed, and what it does then is heard until it ends", async () => {
  const { clock, lists, errors, startsMs, newest, watch } = watching({ timeoutMs: 5_000 });
  await settle();
  await clock.advance(5_000);
  assert.equal(newest().run.signal.aborted, true);
  assert.deepEqual(errors, ["no answer within 5000 ms"]);
  const first = newest();
  first.run.report(listOf("10.0.0.1"));
  await first.fail(new Error("aborted"));
  assert.deepEqual([lists.length, errors.length], [1, 1], "it is one failure");
  await clock.advance(1_000);
  assert.equal(startsMs.length, 2);
  first.run.report(listOf("10.0.0.2"));
  assert.equal(lists.length, 1, "a run that has ended says nothing");
  watch.close();
});

test("after close nothing is told, run or left waiting", async () => {
  const { clock, lists, errors, startsMs, newest, watch } = watching({ debounceMs: 100 });
  await settle();
  const { run, end } = newest();
  run.report(listOf("10.0.0.1"));
  run.report(listOf("10.0.0.2"));
  watch.close();
  watch.close();
  assert.equal(run.signal.aborted, true);
  run.report(listOf("10.0.0.3"));
  watch.refresh();
  await end({ againMs: 0 });
  await clock.advance(60_000);
  assert.deepEqual([lists.length, errors.length, startsMs.length, clock.pending], [1, 0, 1, 0]);
});

test("a run that throws, or resolves with something else, is a failure that says so", async () => {
  for (const [respond, message] of [
    [
      () => {
        throw new Error("no such key");
      },
      /no such key/,
    ],
    [() => undefined as unknown as RunEnd, /what run resolves with must be \{ againMs \}, not undefined/],
    [() => ({ againMs: -1 }), /againMs must be a number from 0/],
  ] as const) {
    const { errors, watch } = watching({ respond });
    await settle();
    assert.match(errors[0] ?? "", message);
    watch.close();
  }
});

test("options that make no sense are refused by name", () => {
  const bad = (options: unknown) => () => watchList(options as WatchListOptions, {} as never, {} as never);
  assert.throws(bad(undefined), /the options of watchList must be an object/);
  assert.throws(bad({}), /watchList\.run must be a function, not undefined/);
  assert.throws(bad({ run: async () => ({ againMs: 1 }), debounce: 1 }), /no field "debounce"/);
  assert.throws(bad({ run: async () => ({ againMs: 1 }), debounceMs: -1 }), /watchList\.debounceMs must be/);
  assert.throws(bad({ run: async () => ({ againMs: 1 }), timeoutMs: 0 }), /watchList\.timeoutMs must be/);
});
