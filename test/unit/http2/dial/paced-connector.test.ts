import assert from "node:assert/strict";
import { test } from "node:test";
import { DialError } from "../../../../src/http2/connection.ts";
import { PacedConnector } from "../../../../src/http2/dial/paced-connector.ts";
import { FakeConnector } from "../../../support/fake-connector.ts";
import { addressOf } from "../../../support/fake-pool.ts";
import { ManualClock, settle } from "../../../support/manual-clock.ts";

const owner = { onDraining: () => undefined, onCapacity: () => undefined, onClosed: () => undefined };

test("of many dials the first starts at once, and then one in each turn of the event loop, in their order", async () => {
  const clock = new ManualClock();
  const engine = new FakeConnector();
  const connector = new PacedConnector(engine, clock);
  const { signal } = new AbortController();
  const dials = ["10.0.0.1", "10.0.0.2", "10.0.0.3"].map((host) => connector.connect(addressOf(host), owner, signal));
  assert.deepEqual(
    engine.dials.map(({ address }) => address),
    ["10.0.0.1:1"],
  );
  await clock.advance(0);
  assert.equal(engine.dials.length, 2);
  await clock.advance(0);
  assert.deepEqual(
    engine.dials.map(({ address }) => address),
    ["10.0.0.1:1", "10.0.0.2:1", "10.0.0.3:1"],
  );
  engine.dials[1]?.fail();
  engine.dials[2]?.succeed();
  await assert.rejects(dials[1] as Promise<unknown>, /ECONNREFUSED/);
  assert.equal((await dials[2]) === engine.dials[2]?.connection, true);
  await clock.advance(0);
  void connector.connect(addressOf("10.0.0.4"), owner, signal);
  assert.equal(engine.dials.length, 4, "after a turn without dials the next one starts at once");
  await settle();
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
