import assert from "node:assert/strict";
import { test } from "node:test";
import { DialError } from "../../../../src/http2/connection.ts";
import { PacedConnector } from "../../../../src/http2/dial/paced-connector.ts";
import { FakeConnector } from "../../../support/fake-connector.ts";
import { addressOf } from "../../../support/fake-pool.ts";
import { ManualClock } from "../../../support/manual-clock.ts";

const owner = { onDraining: () => undefined, onCapacity: () => undefined, onClosed: () => undefined };

/** Its turns end one by one. */
class TurnClock extends ManualClock {
  readonly #atEnd: (() => void)[] = [];

  override afterInput(callback: () => void): void {
    this.#atEnd.push(callback);
  }

  endTurn(): void {
    for (const callback of this.#atEnd.splice(0)) callback();
  }
}

/** How many dials each of the next turns begins. `turnMs`: how long a turn takes in which there is one. */
async function sharesOf(turns: number, turnMs: number): Promise<number[]> {
  const clock = new TurnClock();
  const engine = new FakeConnector();
  const connector = new PacedConnector(engine, clock);
  const controller = new AbortController();
  const shares: number[] = [];
  let before = 0;
  const dials = Array.from({ length: 200 }, (_, i) =>
    connector.connect(addressOf(`10.0.0.${i}`), owner, controller.signal).catch(() => undefined),
  );
  for (let turn = 0; turn < turns; turn++) {
    shares.push(engine.dials.length - before);
    before = engine.dials.length;
    clock.stall(turnMs);
    clock.endTurn();
  }
  for (const dial of engine.dials) dial.succeed();
  controller.abort();
  await Promise.all(dials);
  return shares;
}

test("of many dials the first starts at once, and more in each turn of the event loop as long as turns are short", async () => {
  assert.deepEqual(await sharesOf(6, 0), [1, 2, 3, 4, 5, 6]);
  assert.equal((await sharesOf(18, 0)).at(-1), 16);
});

test("where turns of the event loop are long, each starts one dial", async () => {
  assert.deepEqual(await sharesOf(4, 20), [1, 1, 1, 1]);
});

test("a dial that is given up while it waits is never made", async () => {
  const clock = new ManualClock();
  const engine = new FakeConnector();
  const connector = new PacedConnector(engine, clock);
  const controller = new AbortController();
  void connector.connect(addressOf("10.0.0.1"), owner, new AbortController().signal);
  const second = connector.connect(addressOf("10.0.0.2"), owner, controller.signal);
  controller.abort();
  await Promise.all([assert.rejects(second, DialError), clock.advance(0)]);
  assert.equal(engine.dials.length, 1);
});

/** Dials `count` addresses on an engine whose every turn with a dial takes a millisecond; how many were begun after `ms`. */
async function begunAfter(ms: number, count: number, fails: (dial: number) => boolean): Promise<number> {
  const clock = new ManualClock();
  const engine = new FakeConnector();
  engine.answerWith((dial) => {
    clock.stall(1);
    if (fails(dial.number)) dial.fail();
    else dial.succeed();
  });
  const connector = new PacedConnector(engine, clock);
  const controllers = Array.from({ length: count }, () => new AbortController());
  const dials = controllers.map(({ signal }, i) =>
    connector.connect(addressOf(`10.0.${i >> 8}.${i & 255}`), owner, signal).catch(() => undefined),
  );
  const endMs = clock.now() + ms;
  while (clock.now() < endMs && engine.dials.length < count) await clock.advance(1);
  const begun = engine.dials.length;
  for (const controller of controllers) controller.abort();
  await Promise.all(dials);
  assert.equal(clock.pending, 0, "what is given up leaves no timer");
  return begun;
}

test("thousands of dials that fail take half a second of the event loop, and then a tenth of its time", async () => {
  const begun = await begunAfter(5_000, 4_000, () => true);
  // With a turn of 1 to 2 ms: 300 to 600 until 5 s are owed, and that many again in the 5 s. Without a pace it is 2 500.
  assert.ok(begun > 500 && begun < 1_200, `${begun} dials`);
});

test("dials that succeed are not paced, and neither are some that fail among them", async () => {
  assert.equal(await begunAfter(5_000, 1_500, () => false), 1_500);
  assert.equal(await begunAfter(5_000, 1_500, (dial) => dial % 20 === 0), 1_500);
});
