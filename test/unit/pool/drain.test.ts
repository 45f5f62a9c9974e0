import assert from "node:assert/strict";
import { test } from "node:test";
import { Code } from "@connectrpc/connect";
import type { Failure } from "../../../src/base/errors.ts";
import { deafListener } from "../../support/fake-connector.ts";
import { callsTo, fakePool, TestCall } from "../../support/fake-pool.ts";
import { settle } from "../../support/manual-clock.ts";

async function poolOfOne(drainTimeoutMs: number) {
  const all = fakePool({ drainTimeoutMs });
  all.pool.wake();
  all.resolver.report("10.0.0.1");
  await settle();
  const ends: (Failure | undefined)[] = [];
  const [subchannel] = all.pool.subchannels;
  const stream = subchannel?.connectionWithRoom?.request({ path: "/x", fields: [] }, [], undefined, {
    ...deafListener,
    onClosed: (failure) => ends.push(failure),
  });
  all.resolver.report("10.0.0.2");
  await settle();
  return { ...all, ends, stream };
}

test("without drainTimeoutMs a retired connection waits for its calls as long as they last", async () => {
  const { pool, clock, events, connector, ends, stream, close } = await poolOfOne(Number.POSITIVE_INFINITY);
  for (const connection of connector.open) connection.answersPings = true;
  await clock.advance(3_600_000);
  assert.deepEqual(ends, []);
  assert.deepEqual(
    [...pool.draining].map(({ address, live }) => [address, live.openCalls]),
    [["10.0.0.1:1", 1]],
  );
  stream?.reset(8);
  assert.equal(connector.dials[0]?.connection?.closed, true);
  assert.deepEqual(events.ofType("connection-drained"), [
    { type: "connection-drained", address: "10.0.0.1:1", cutCalls: 0, tookMs: 3_600_000 },
  ]);
  close();
});

test("after drainTimeoutMs the open calls fail with Unavailable, and the event counts them", async () => {
  const { clock, events, ends, close } = await poolOfOne(5_000);
  await clock.advance(4_999);
  assert.equal(ends.length, 0);
  await clock.advance(1);
  assert.equal(ends[0]?.code, Code.Unavailable);
  assert.equal(ends[0]?.kind, "drain-timeout");
  assert.match(ends[0]?.message ?? "", /drainTimeoutMs 5000/);
  assert.deepEqual(events.ofType("connection-drained"), [
    { type: "connection-drained", address: "10.0.0.1:1", cutCalls: 1, tookMs: 5_000 },
  ]);
  close();
});

test("drainTimeoutMs 0 cuts at once", async () => {
  const { clock, ends, close } = await poolOfOne(0);
  await clock.advance(0);
  assert.equal(ends[0]?.kind, "drain-timeout");
  close();
});

test("a retired connection that stays silent is closed, and one that is lost is forgotten", async () => {
  for (const end of ["silence", "loss"]) {
    const { pool, clock, connector, events, ends, close } = await poolOfOne(Number.POSITIVE_INFINITY);
    const retired = connector.dials[0]?.connection;
    if (end === "loss") retired?.lose();
    else await clock.advance(60_000);
    assert.equal(retired?.closed, true);
    assert.equal(ends[0]?.kind, end === "loss" ? "connection-lost" : "ping-timeout");
    assert.equal(events.ofType("subchannel-suspect").length, end === "loss" ? 0 : 1);
    assert.deepEqual([...pool.draining], []);
    assert.deepEqual(callsTo(pool, 2), new Map([["10.0.0.2:1", 2]]));
    close();
  }
});

test("a GOAWAY on a retired connection changes nothing", async () => {
  const { connector, ends, events, close } = await poolOfOne(Number.POSITIVE_INFINITY);
  connector.dials[0]?.connection?.goaway();
  assert.deepEqual(ends, []);
  assert.equal(events.ofType("connection-draining").length, 1);
  close();
});

test("closing the pool cuts what drains and what serves, and calls back when all is closed", async () => {
  const { pool, clock, hold, connector, ends } = await poolOfOne(60_000);
  const call = new TestCall(pool).start();
  const failure = { kind: "closed", code: Code.Canceled, progress: "unknown", message: "closed" } as const;
  let closed = 0;
  pool.close(failure, () => closed++);
  assert.equal(closed, 1);
  assert.deepEqual(ends, [failure]);
  assert.equal(call.stream?.connection.closed, true);
  assert.equal(connector.open.length, 0);
  assert.equal(clock.pending, 0);
  hold.close();
});

test("closing a pool that was never used calls back at once", () => {
  const { pool, clock, hold } = fakePool();
  let closed = 0;
  pool.close({ kind: "closed", code: Code.Canceled, progress: "unknown", message: "closed" }, () => closed++);
  assert.equal(closed, 1);
  assert.equal(clock.pending, 0);
  hold.close();
});
