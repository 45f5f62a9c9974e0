import assert from "node:assert/strict";
import { test } from "node:test";
import { fakePool, TestCall } from "../../support/fake-pool.ts";
import { settle } from "../../support/manual-clock.ts";

/** A backend whose connection has just failed a call before it answered any, and one that could not be dialled. */
async function oneReadyOneFailed() {
  const all = fakePool({ connects: false });
  const { pool, connector, resolver } = all;
  pool.wake();
  resolver.report("10.0.0.1", "10.0.0.2");
  await settle();
  connector.dialsOf("10.0.0.1:1")[0]?.succeed();
  connector.dialsOf("10.0.0.2:1")[0]?.fail();
  await settle();
  const [one, other] = [...pool.subchannels];
  const [live] = one?.connections ?? [];
  assert.ok(live !== undefined && other !== undefined);
  return { ...all, live, other };
}

test("a backend that could not be dialled is no other connection to go to until it is ready", async () => {
  const { pool, clock, connector, live, other, close } = await oneReadyOneFailed();
  assert.equal(pool.hasConnectionBeyond([live]), false);
  await clock.advance(400);
  assert.equal(other.state, "connecting");
  assert.equal(pool.hasConnectionBeyond([live]), false, "it is dialled again, and may fail again");
  connector.last.succeed();
  await settle();
  assert.equal(pool.hasConnectionBeyond([live]), true);
  close();
});

test("a backend without a free stream is no other connection to go to", async () => {
  const { pool, clock, connector, live, close } = await oneReadyOneFailed();
  await clock.advance(400);
  connector.last.succeed(1);
  await settle();
  assert.equal(pool.hasConnectionBeyond([live]), true);
  const calls = [new TestCall(pool).start(), new TestCall(pool).start()];
  assert.deepEqual(calls.map(({ backend }) => backend).sort(), ["10.0.0.1:1", "10.0.0.2:1"]);
  assert.equal(pool.hasConnectionBeyond([live]), false);
  close();
});

test("the reconnection of a backend whose lost connection had answered is another connection to go to", async () => {
  const { pool, live, close } = await oneReadyOneFailed();
  assert.equal(pool.hasConnectionBeyond([live]), false, "one that never answered waits out a backoff first");
  live.noteAnswer();
  assert.equal(pool.hasConnectionBeyond([live]), true);
  close();
});
