import assert from "node:assert/strict";
import { test } from "node:test";
import { DialError } from "../../src/http2/connection.ts";
import { PacedConnector } from "../../src/http2/paced-connector.ts";
import { FakeConnector } from "../support/fake-connector.ts";
import { addressOf } from "../support/fake-pool.ts";
import { ManualClock, settle } from "../support/manual-clock.ts";

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
