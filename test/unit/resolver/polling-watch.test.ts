import assert from "node:assert/strict";
import { test } from "node:test";
import type { Lookup, LookupAnswer } from "../../../src/resolver/lookup.ts";
import { PollingWatch } from "../../../src/resolver/polling-watch.ts";
import { ManualClock, settle } from "../../support/manual-clock.ts";
import { QuietHold } from "../../support/quiet-hold.ts";
import { constantRandom } from "../../support/random.ts";

/** A lookup whose answers the test decides, one at a time. */
class FakeLookup implements Lookup {
  readonly host = "echo.test";
  readonly source = "DNS";
  /** When each lookup began. */
  readonly startsMs: number[] = [];
  readonly signals: AbortSignal[] = [];
  mostAtOnce = 0;
  #open: { resolve(answer: LookupAnswer): void; reject(error: Error): void }[] = [];
  #found: (answer: LookupAnswer) => void = () => undefined;
  readonly #clock: ManualClock;
  /** Set: every lookup is answered at once, with what this returns or throws. */
  respond: (() => LookupAnswer) | undefined;

  constructor(clock: ManualClock) {
    this.#clock = clock;
  }

  ask(signal: AbortSignal, found: (answer: LookupAnswer) => void): Promise<LookupAnswer> {
    this.#found = found;
    this.startsMs.push(this.#clock.now());
    this.signals.push(signal);
    const { respond } = this;
    if (respond !== undefined) return Promise.resolve().then(respond);
    return new Promise((resolve, reject) => {
      this.#open.push({ resolve, reject });
      this.mostAtOnce = Math.max(this.mostAtOnce, this.#open.length);
    });
  }

  async answer(hosts: readonly string[], ttlMs = Number.POSITIVE_INFINITY): Promise<void> {
    this.#open.shift()?.resolve({ hosts, fallbackHosts: [], ttlMs });
    await settle();
  }

  /** What is known before the answer. */
  find(...hosts: string[]): void {
    this.#found({ hosts, fallbackHosts: [], ttlMs: Number.POSITIVE_INFINITY });
  }

  async fail(message: string): Promise<void> {
    this.#open.shift()?.reject(new Error(message));
    await settle();
  }
}

function watching(respond?: () => LookupAnswer) {
  const clock = new ManualClock();
  const lookup = new FakeLookup(clock);
  lookup.respond = respond;
  const lists: string[][] = [];
  const errors: string[] = [];
  const watch = new PollingWatch(
    { lookup, port: 50051, timeoutMs: 5_000 },
    {
      onResolution: () => assert.fail("DNS has addresses and nothing else"),
      onAddresses: (addresses) => lists.push(addresses.map((one) => ("host" in one ? one.host : one.path))),
      onError: (error) => errors.push((error as Error).message),
    },
    runtimeOn(clock),
  );
  return { clock, lookup, lists, errors, watch };
}

function runtimeOn(clock: ManualClock) {
  return { clock, random: constantRandom(), hold: new QuietHold() };
}

const never = Number.POSITIVE_INFINITY;
const steady = () => ({ hosts: ["10.0.0.1"], fallbackHosts: [], ttlMs: never });
const broken = () => {
  throw new Error("SERVFAIL");
};

/** The time between one lookup and the next, in order. */
function gaps(startsMs: readonly number[]): number[] {
  return startsMs.slice(1).map((ms, i) => ms - (startsMs[i] as number));
}

test("the first lookup begins at once, and nothing is reported before watch has returned", async () => {
  const { lookup, lists } = watching(steady);
  assert.equal(lookup.startsMs.length, 1);
  assert.deepEqual(lists, []);
  await settle();
  assert.deepEqual(lists, [["10.0.0.1"]]);
});

test("a connection loss and the rotation timer that ask at once get one lookup (D15)", async () => {
  const { clock, lookup, watch } = watching(steady);
  await clock.advance(60_000);
  assert.equal(lookup.startsMs.length, 1, "nobody asked");
  watch.refresh();
  watch.refresh();
  await settle();
  assert.equal(lookup.startsMs.length, 2);
});

test("hints while a lookup is in flight start no other, and one follows when the window ends", async () => {
  const { clock, lookup, watch, lists } = watching();
  for (let i = 0; i < 10; i++) watch.refresh();
  await clock.advance(400);
  await lookup.answer(["10.0.0.1"]);
  assert.equal(lookup.startsMs.length, 1);
  await clock.advance(599);
  assert.equal(lookup.startsMs.length, 1);
  await clock.advance(1);
  assert.deepEqual(gaps(lookup.startsMs), [1_000]);
  await lookup.answer(["10.0.0.2"]);
  assert.deepEqual(lists, [["10.0.0.1"], ["10.0.0.2"]]);
  assert.equal(lookup.mostAtOnce, 1);
  await clock.advance(120_000);
  assert.equal(lookup.startsMs.length, 2, "all ten hints were served by one lookup");
});

test("a hint inside the window is remembered, and one after it is served at once", async () => {
  const { clock, lookup, watch } = watching(steady);
  await clock.advance(300);
  watch.refresh();
  await clock.advance(10_000);
  assert.deepEqual(gaps(lookup.startsMs), [1_000]);
  watch.refresh();
  await settle();
  assert.deepEqual(gaps(lookup.startsMs), [1_000, 9_300]);
});

test("1 000 failing calls in 5 s cost at most 6 lookups (D08)", async () => {
  const { clock, lookup, watch } = watching(steady);
  for (let i = 0; i < 1_000; i++) {
    watch.refresh();
    await clock.advance(5);
  }
  assert.ok(lookup.startsMs.length <= 6, `${lookup.startsMs.length} lookups`);
});

test("the window grows to 30 s while hints storm in and the list stays as it is, and a calm window ends that", async () => {
  const { clock, lookup, watch } = watching(steady);
  for (let i = 0; i < 1_200; i++) {
    watch.refresh();
    await clock.advance(200);
  }
  const grown = gaps(lookup.startsMs);
  for (const [i, gap] of grown.entries()) assert.ok(gap >= (grown[i - 1] ?? 1_000), `shrank: ${grown.join(", ")}`);
  assert.equal(grown.at(-1), 30_000);
  await clock.advance(61_000);
  const before = lookup.startsMs.length;
  watch.refresh();
  await clock.advance(500);
  watch.refresh();
  await clock.advance(500);
  assert.equal(lookup.startsMs.length, before + 2, "after the calm the window is 1 s again");
});

test("a list that changes makes the window 1 s again", async () => {
  let host = "10.0.0.1";
  const { clock, lookup, watch } = watching(() => ({ hosts: [host], fallbackHosts: [], ttlMs: never }));
  for (let i = 0; i < 300; i++) {
    watch.refresh();
    await clock.advance(200);
  }
  assert.ok((gaps(lookup.startsMs).at(-1) ?? 0) > 5_000);
  host = "10.0.0.2";
  const before = lookup.startsMs.length;
  while (lookup.startsMs.length === before) {
    watch.refresh();
    await clock.advance(200);
  }
  watch.refresh();
  await clock.advance(1_000);
  assert.equal(gaps(lookup.startsMs).at(-1), 1_000);
});

test("a rotation timer at its shortest interval never grows the window", async () => {
  const { clock, lookup, watch } = watching(steady);
  // ± 10 %, worst order: as fast as it can go.
  for (let i = 0; i < 400; i++) {
    watch.refresh();
    await clock.advance(i % 3 === 2 ? 1_100 : 950);
  }
  assert.ok(Math.max(...gaps(lookup.startsMs)) < 2_200, `a lookup was ${Math.max(...gaps(lookup.startsMs))} ms late`);
});

test("a rotation timer gets its lookups again when a storm of failing calls is over", async () => {
  const { clock, lookup, watch } = watching(steady);
  for (let i = 0; i < 1_200; i++) {
    watch.refresh();
    await clock.advance(200);
  }
  for (let i = 0; i < 30; i++) {
    watch.refresh();
    await clock.advance(5_000);
  }
  assert.deepEqual(gaps(lookup.startsMs).slice(-4), [5_000, 5_000, 5_000, 5_000]);
});

test("a shuffled answer with duplicates is no change of the list (D03)", async () => {
  let turn = 0;
  const orders = [
    ["10.0.0.1", "10.0.0.2"],
    ["10.0.0.2", "10.0.0.1", "10.0.0.2"],
  ];
  const { clock, lookup, watch } = watching(() => ({
    hosts: orders[turn++ % 2] as string[],
    fallbackHosts: [],
    ttlMs: never,
  }));
  for (let i = 0; i < 300; i++) {
    watch.refresh();
    await clock.advance(200);
  }
  assert.ok((gaps(lookup.startsMs).at(-1) ?? 0) > 5_000, "the window grew as for one and the same list");
});

test("a lookup that fails at the start is tried again by itself and recovers without a hint (D05)", async () => {
  let up = false;
  const { clock, lookup, lists, errors } = watching(() => (up ? steady() : broken()));
  await clock.advance(3_000);
  assert.deepEqual(errors, ["SERVFAIL", "SERVFAIL", "SERVFAIL", "SERVFAIL"]);
  up = true;
  await clock.advance(2_000);
  assert.deepEqual(lists, [["10.0.0.1"]]);
  const before = lookup.startsMs.length;
  await clock.advance(300_000);
  assert.equal(lookup.startsMs.length, before, "once recovered it waits to be asked");
});

test("the wait between failing lookups grows from 1 s to 30 s", async () => {
  const { clock, lookup } = watching(broken);
  await clock.advance(400_000);
  const grown = gaps(lookup.startsMs);
  assert.equal(grown[0], 1_000);
  assert.equal(grown.at(-1), 30_000);
  for (const [i, gap] of grown.entries()) {
    assert.ok(gap >= (grown[i - 1] ?? 0) && gap <= 30_000, `not growing: ${grown.join(", ")}`);
  }
  assert.ok(grown.length < 40);
});

test("failing calls while lookups fail ask no more often than the retries do", async () => {
  const { clock, lookup, watch } = watching(broken);
  for (let i = 0; i < 2_000; i++) {
    watch.refresh();
    await clock.advance(100);
  }
  assert.equal(gaps(lookup.startsMs).at(-1), 30_000);
});

test("an error or an empty answer after a good one reports an error and no list (D04)", async () => {
  const { clock, lookup, lists, errors, watch } = watching();
  await lookup.answer(["10.0.0.1"]);
  await clock.advance(5_000);
  watch.refresh();
  await lookup.fail("NXDOMAIN");
  await clock.advance(1_000);
  await lookup.answer([]);
  assert.deepEqual(lists, [["10.0.0.1"]]);
  assert.deepEqual(errors, ["NXDOMAIN", "DNS has no address for echo.test"]);
});

test("the end of a TTL starts a lookup, once", async () => {
  const { clock, lookup, watch } = watching();
  await clock.advance(200);
  await lookup.answer(["10.0.0.1"], 5_000);
  await clock.advance(4_999);
  assert.equal(lookup.startsMs.length, 1);
  await clock.advance(1);
  assert.deepEqual(gaps(lookup.startsMs), [5_200]);
  await lookup.answer(["10.0.0.1"], 20_000);
  await clock.advance(10_000);
  watch.refresh();
  assert.deepEqual(gaps(lookup.startsMs), [5_200, 10_000], "a hint before the TTL ends is served");
  await lookup.answer(["10.0.0.1"], 20_000);
  await clock.advance(10_000);
  assert.equal(lookup.startsMs.length, 3, "the TTL of the older answer is forgotten");
});

test("a TTL of 0 means a lookup a second", async () => {
  const { clock, lookup } = watching(() => ({ hosts: ["10.0.0.1"], fallbackHosts: [], ttlMs: 0 }));
  await clock.advance(10_000);
  assert.deepEqual(new Set(gaps(lookup.startsMs)), new Set([1_000]));
});

test("a window that a storm has grown does not keep a TTL waiting", async () => {
  const { clock, lookup, watch } = watching(() => ({ hosts: ["10.0.0.1"], fallbackHosts: [], ttlMs: 4_000 }));
  for (let i = 0; i < 1_000; i++) {
    watch.refresh();
    await clock.advance(100);
  }
  assert.equal(gaps(lookup.startsMs).at(-1), 4_000);
});

test("a silent DNS is an error after 5 s that names the host and the time (D06)", async () => {
  const { clock, lookup, errors } = watching();
  await clock.advance(4_999);
  assert.deepEqual(errors, []);
  await clock.advance(1);
  assert.deepEqual(errors, ["DNS gave no answer for echo.test within 5000 ms"]);
  assert.equal(lookup.signals[0]?.aborted, true, "what can be cancelled is");
});

test("a lookup that timed out but cannot be stopped lets no other start, and its late answer is welcome", async () => {
  const { clock, lookup, lists, errors, watch } = watching();
  await clock.advance(5_000);
  for (let i = 0; i < 50; i++) watch.refresh();
  await clock.advance(20_000);
  assert.equal(lookup.startsMs.length, 1);
  await lookup.answer(["10.0.0.9"]);
  assert.deepEqual(lists, [["10.0.0.9"]]);
  await clock.advance(100);
  assert.equal(lookup.startsMs.length, 2);
  assert.equal(lookup.mostAtOnce, 1);
  await lookup.answer(["10.0.0.1"]);
  assert.deepEqual(lists, [["10.0.0.9"], ["10.0.0.1"]]);
  assert.equal(errors.length, 1);
});

test("an answer that arrived while the event loop was stalled is not late", async () => {
  const { clock, lookup, lists, errors } = watching();
  clock.stall(60_000);
  const turn = clock.advance(0);
  // Timers come first; input that waits is read after them, in the same turn of the loop.
  await lookup.answer(["10.0.0.1"]);
  await turn;
  assert.deepEqual(lists, [["10.0.0.1"]]);
  assert.deepEqual(errors, []);
});

test("between slow lookups there is a pause in which a process that is done can end", async () => {
  const { clock, lookup, watch } = watching();
  watch.refresh();
  await clock.advance(3_000);
  await lookup.fail("EAI_AGAIN");
  await clock.advance(99);
  assert.equal(lookup.startsMs.length, 1);
  await clock.advance(1);
  assert.equal(lookup.startsMs.length, 2);
});

test("after close nothing is reported, asked or left waiting", async () => {
  for (const settleLookup of [
    (lookup: FakeLookup) => lookup.answer(["10.0.0.1"], 1_000),
    (lookup: FakeLookup) => lookup.fail("SERVFAIL"),
  ]) {
    const { clock, lookup, lists, errors, watch } = watching();
    watch.close();
    watch.close();
    assert.equal(lookup.signals[0]?.aborted, true);
    await settleLookup(lookup);
    watch.refresh();
    await clock.advance(60_000);
    assert.deepEqual([lists, errors], [[], []]);
    assert.equal(lookup.startsMs.length, 1);
    assert.equal(clock.pending, 0);
  }
});

test("close between two lookups cancels the next one", async () => {
  const { clock, lookup, watch } = watching(broken);
  await settle();
  assert.equal(clock.pending, 1);
  watch.close();
  assert.equal(clock.pending, 0);
  await clock.advance(60_000);
  assert.equal(lookup.startsMs.length, 1);
});

test("a listener may refresh or close from inside a report", async () => {
  for (const respond of [steady, broken]) {
    const clock = new ManualClock();
    const lookup = new FakeLookup(clock);
    lookup.respond = respond;
    let reports = 0;
    const onReport = () => {
      reports++;
      if (reports === 3) watch.close();
      else watch.refresh();
    };
    const listener = { onResolution: onReport, onAddresses: onReport, onError: onReport };
    const watch = new PollingWatch({ lookup, port: 1, timeoutMs: 5_000 }, listener, runtimeOn(clock));
    await clock.advance(60_000);
    assert.equal(reports, 3);
    assert.deepEqual(gaps(lookup.startsMs), [1_000, 1_000]);
    assert.equal(clock.pending, 0);
  }
});

test("what a lookup finds on its way is reported at once, where it is news", async () => {
  const { clock, lookup, lists, errors, watch } = watching();
  lookup.find("10.0.0.1");
  assert.deepEqual(lists, [["10.0.0.1"]]);
  await lookup.answer(["10.0.0.1"]);
  watch.refresh();
  await clock.advance(1_000);
  lookup.find("10.0.0.1");
  assert.equal(lists.length, 1, "found once more, it is none, and neither is the same at the end of the lookup");
  await clock.advance(5_000);
  assert.equal(lookup.signals.at(-1)?.aborted, true);
  assert.deepEqual(errors, [], "a lookup that found something says itself what it came to");
  await lookup.fail("no A records");
  assert.deepEqual(errors, ["no A records"]);
  const { length } = lookup.startsMs;
  await clock.advance(30_000);
  assert.ok(lookup.startsMs.length > length, "and is tried again by itself");
  watch.close();
  lookup.find("10.0.0.2");
  assert.equal(lists.length, 1, "nothing after close");
});
