import assert from "node:assert/strict";
import { test } from "node:test";
import { DialError } from "../../../src/http2/connection.ts";
import { PacedConnector } from "../../../src/http2/dial/paced-connector.ts";
import { LazyConnector } from "../../../src/http2/lazy-connector.ts";
import { FakeConnector } from "../../support/fake-connector.ts";
import { addressOf } from "../../support/fake-pool.ts";
import { ManualClock, settle } from "../../support/manual-clock.ts";

const owner = { onDraining: () => undefined, onCapacity: () => undefined, onClosed: () => undefined };
const { signal } = new AbortController();

test("an engine is loaded once, before the first dial where that is foreseen", async () => {
  const engine = new FakeConnector();
  let loads = 0;
  const connector = new LazyConnector(async () => {
    loads++;
    return engine;
  });
  assert.equal(loads, 0);
  connector.prepare();
  assert.equal(loads, 1);
  const dials = ["10.0.0.1", "10.0.0.2"].map((host) => connector.connect(addressOf(host), owner, signal));
  await settle();
  for (const dial of engine.dials) dial.succeed();
  await Promise.all(dials);
  assert.deepEqual([loads, engine.dials.map(({ address }) => address)], [1, ["10.0.0.1:1", "10.0.0.2:1"]]);
});

test("an engine that could not be loaded fails the dials that wait for it, and the next dial tries again", async () => {
  const engine = new FakeConnector();
  let loads = 0;
  const connector = new LazyConnector(async () => {
    if (++loads === 1) throw new Error("EMFILE: too many open files");
    return engine;
  });
  connector.prepare();
  await assert.rejects(connector.connect(addressOf("10.0.0.1"), owner, signal), /EMFILE/);
  const dial = connector.connect(addressOf("10.0.0.1"), owner, signal);
  await settle();
  engine.dials[0]?.succeed();
  await dial;
  assert.equal(loads, 2);
});

test("a dial that is given up while the engine is loaded is never made", async () => {
  const engine = new FakeConnector();
  const controller = new AbortController();
  const connector = new LazyConnector(async () => new PacedConnector(engine, new ManualClock()));
  const dial = connector.connect(addressOf("10.0.0.1"), owner, controller.signal);
  controller.abort();
  await assert.rejects(dial, DialError);
  assert.equal(engine.dials.length, 0);
});
