import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { Code } from "@connectrpc/connect";
import { type AvailabilityInit, checkAvailabilityOptions } from "../../../src/availability/availability-options.ts";
import { decodeHealthResponse, encodeHealthRequest } from "../../../src/availability/health-protocol.ts";
import type { FakeConnection, FakeStream } from "../../support/fake-connector.ts";
import { callsTo, type FakePoolOptions, fakePool, renewEldest, TestCall } from "../../support/fake-pool.ts";
import { settle } from "../../support/manual-clock.ts";

const serving = Uint8Array.of(8, 1);
const notServing = Uint8Array.of(8, 2);
const healthPath = "/grpc.health.v1.Health/Watch";

/** A pool of backends that are asked for "echo". */
async function poolOf(size: number, init: AvailabilityInit = {}, options: FakePoolOptions = {}) {
  const availability = checkAvailabilityOptions({ healthCheck: { service: "echo" }, ...init });
  const all = fakePool({ ...options, availability });
  all.pool.wake();
  all.resolver.report(...Array.from({ length: size }, (_, i) => `10.0.0.${i + 1}`));
  await settle();
  const watchOf = (connection: FakeConnection | undefined) =>
    [...(connection?.streams ?? [])].find(({ request }) => request.path === healthPath) as FakeStream;
  const connectionOf = (i: number) => all.pool.subchannels[i]?.connections[0]?.connection as FakeConnection;
  const say = async (i: number, status: Uint8Array) => {
    watchOf(connectionOf(i)).answer(status);
    await settle();
  };
  const served = () => [...callsTo(all.pool, 2 * size).keys()].sort();
  return { ...all, watchOf, connectionOf, say, served };
}

test("a backend is used once it says that it serves, and calls wait until one does", async () => {
  const { pool, watchOf, connectionOf, say, served, events, close } = await poolOf(2);
  assert.deepEqual([...(watchOf(connectionOf(0)).request.body ?? [])], [0, 0, 0, 0, 6, 10, 4, 101, 99, 104, 111]);
  assert.equal(pool.canServe, false);
  const call = new TestCall(pool).start();
  assert.equal(call.waits, true);
  assert.equal(pool.waitReason, "connect");
  await say(1, serving);
  assert.equal(call.backend, "10.0.0.2:1");
  assert.deepEqual(served(), ["10.0.0.2:1"]);
  await say(0, serving);
  assert.equal(served().length, 2);
  assert.deepEqual(events.ofType("backend-unhealthy"), []);
  assert.deepEqual(events.ofType("panic-began"), []);
  close();
});

test("one that says it does not serve gets no calls until it serves again", async () => {
  const { say, served, events, clock, pool, close } = await poolOf(3);
  for (const i of [0, 1, 2]) await say(i, serving);
  await say(0, notServing);
  assert.equal(pool.subchannels[0]?.availability, "unhealthy");
  assert.deepEqual(served(), ["10.0.0.2:1", "10.0.0.3:1"]);
  await clock.advance(500);
  await say(0, notServing);
  await say(0, serving);
  assert.equal(served().length, 3);
  assert.deepEqual(events.ofType("backend-unhealthy"), [
    { type: "backend-unhealthy", address: "10.0.0.1:1", reason: "NOT_SERVING" },
  ]);
  assert.deepEqual(events.ofType("backend-healthy"), [
    { type: "backend-healthy", address: "10.0.0.1:1", unhealthyMs: 500 },
  ]);
  close();
});

test("when all say that they do not serve, calls go on, and one event says so", async () => {
  const { say, served, events, close } = await poolOf(2);
  for (const i of [0, 1]) await say(i, serving);
  for (const i of [0, 1]) await say(i, notServing);
  assert.equal(served().length, 2);
  assert.deepEqual(events.ofType("panic-began"), [{ type: "panic-began", connected: 2, usable: 0 }]);
  await say(1, serving);
  assert.deepEqual(served(), ["10.0.0.2:1"]);
  assert.equal(events.ofType("panic-ended").length, 1);
  close();
});

test("of many words at once the last one counts: a server that flips quickly floods nobody with events", async () => {
  const { say, connectionOf, watchOf, served, events, close } = await poolOf(2);
  for (const i of [0, 1]) await say(i, serving);
  const watch = watchOf(connectionOf(0));
  for (let i = 0; i < 1_000; i++) watch.answer(i % 2 === 0 ? serving : notServing);
  await settle();
  assert.deepEqual(served(), ["10.0.0.2:1"]);
  assert.equal(events.ofType("backend-unhealthy").length, 1);
  assert.equal(events.ofType("backend-healthy").length, 0);
  close();
});

test("a server that changes its mind all the time is heard ten times a second, and its last word counts 100 ms later", async () => {
  const { say, connectionOf, watchOf, served, events, clock, close } = await poolOf(2);
  for (const i of [0, 1]) await say(i, serving);
  const watch = watchOf(connectionOf(0));
  const changes = () => events.ofType("backend-unhealthy").length + events.ofType("backend-healthy").length;
  for (let ms = 0; ms < 3_000; ms++) {
    watch.answer(ms % 3 === 0 ? notServing : serving);
    await clock.advance(1);
  }
  const { length } = events.facts;
  assert.ok(changes() > 10 && changes() <= 40, `${changes()}`);
  watch.answer(notServing);
  await clock.advance(100);
  assert.deepEqual(served(), ["10.0.0.2:1"]);
  assert.ok(events.facts.length - length <= 1);
  await clock.advance(1_000);
  await say(0, serving);
  assert.equal(served().length, 2, "a server that has calmed down is heard at once");
  await say(0, notServing);
  assert.equal(served().length, 1);
  close();
  assert.equal(clock.pending, 0);
});

test("a list of other backends lets the old ones go once one of the new says that it serves, and not before", async () => {
  const { pool, say, served, resolver, events, clock, close } = await poolOf(1);
  await say(0, serving);
  resolver.report("10.0.0.2");
  await settle();
  assert.deepEqual(served(), ["10.0.0.1:1"], "the new one has said nothing yet");
  await say(0, notServing);
  assert.deepEqual(served(), ["10.0.0.1:1"]);
  assert.deepEqual(events.ofType("panic-began"), []);
  resolver.report("10.0.0.2", "10.0.0.3");
  await settle();
  assert.deepEqual(served(), ["10.0.0.1:1"]);
  await say(0, serving);
  assert.deepEqual(served(), ["10.0.0.2:1"]);
  assert.deepEqual(
    pool.subchannels.map(({ id }) => id),
    ["10.0.0.2:1", "10.0.0.3:1"],
  );
  close();
  assert.equal(clock.pending, 0);
});

test("a word that the end of the watch follows at once counts for nothing", async () => {
  const { say, connectionOf, watchOf, pool, close } = await poolOf(2);
  for (const i of [0, 1]) await say(i, serving);
  const watch = watchOf(connectionOf(0));
  watch.answer(serving);
  watch.finish();
  await settle();
  assert.equal(pool.subchannels[0]?.availability, "unhealthy");
  close();
});

test("a limit that falls to one stream ends the watch, so that calls have the stream; the backend counts as healthy", async () => {
  const { say, connectionOf, watchOf, served, events, pool, clock, close } = await poolOf(2);
  for (const i of [0, 1]) await say(i, serving);
  await say(0, notServing);
  connectionOf(0).allow(1);
  await settle();
  assert.equal(watchOf(connectionOf(0)), undefined);
  assert.equal(pool.subchannels[0]?.availability, "usable");
  assert.equal(pool.subchannels[0]?.hasRoom, true);
  assert.ok(served().includes("10.0.0.1:1"));
  assert.equal(events.ofType("hint").length, 1);
  await clock.advance(10_000);
  assert.equal(watchOf(connectionOf(0)), undefined);
  connectionOf(0).allow(2);
  await clock.advance(120_000);
  assert.notEqual(watchOf(connectionOf(0)), undefined);
  close();
});

test("a server without the service counts as healthy, which is said once", async () => {
  const { watchOf, connectionOf, served, events, clock, close } = await poolOf(2);
  for (const i of [0, 1]) watchOf(connectionOf(i)).endWith(Code.Unimplemented);
  await settle();
  assert.equal(served().length, 2);
  assert.deepEqual(events.ofType("hint").filter(({ hint }) => hint === "no-health-service").length, 1);
  await clock.advance(600_000);
  assert.equal(watchOf(connectionOf(0)), undefined, "it is not asked again");
  close();
});

test("a watch that the server ends makes its backend unhealthy, and is begun again after a second", async () => {
  const { watchOf, connectionOf, say, served, events, clock, close } = await poolOf(2);
  for (const i of [0, 1]) await say(i, serving);
  watchOf(connectionOf(0)).endWith(Code.Internal);
  await settle();
  assert.deepEqual(served(), ["10.0.0.2:1"]);
  assert.equal(events.ofType("backend-unhealthy")[0]?.reason, "the health check ended with Internal");
  await clock.advance(1_000);
  await say(0, serving);
  assert.equal(served().length, 2);
  close();
});

test("a server that says nothing for 10 s is unhealthy, and calls that waited go to it for want of others", async () => {
  const { pool, events, clock, close } = await poolOf(1);
  const call = new TestCall(pool).start();
  await clock.advance(9_999);
  assert.equal(call.waits, true);
  await clock.advance(1);
  await settle();
  assert.equal(call.backend, "10.0.0.1:1");
  assert.equal(events.ofType("backend-unhealthy")[0]?.reason, "no answer");
  close();
});

test("a lost connection is no matter of health, and the next one is asked anew", async () => {
  const { pool, connectionOf, say, served, events, close } = await poolOf(2);
  for (const i of [0, 1]) await say(i, serving);
  for (const { connections } of pool.subchannels) connections[0]?.noteAnswer();
  connectionOf(0).lose();
  for (let i = 0; i < 3; i++) await settle();
  assert.equal(pool.subchannels[0]?.state, "ready");
  assert.deepEqual(events.ofType("backend-unhealthy"), []);
  assert.deepEqual(served(), ["10.0.0.2:1"]);
  await say(0, serving);
  assert.equal(served().length, 2);
  close();
});

test("a connection that is replaced at its age leaves no gap: its successor counts as what it was", async () => {
  const { pool, say, served, watchOf, connectionOf, close } = await poolOf(1);
  await say(0, serving);
  const elder = connectionOf(0);
  renewEldest(pool.subchannels[0]);
  await settle();
  assert.notEqual(connectionOf(0), elder);
  assert.equal(elder.closed, true, "its watch does not keep it open");
  assert.ok(watchOf(connectionOf(0)), "the successor is asked as well");
  assert.deepEqual(served(), ["10.0.0.1:1"]);
  close();
});

test("nothing is left when the pool closes", async () => {
  const { say, connector, clock, close } = await poolOf(2);
  await say(0, serving);
  close();
  assert.deepEqual(connector.open, []);
  assert.equal(clock.pending, 0);
});

describe("grpc.health.v1, by hand", () => {
  test("requests name the service, and the default is not sent", () => {
    assert.deepEqual([...encodeHealthRequest("")], []);
    assert.deepEqual([...encodeHealthRequest("é")], [10, 2, 195, 169]);
    const long = encodeHealthRequest("x".repeat(300));
    assert.deepEqual([...long.subarray(0, 3)], [10, 172, 2]);
    assert.equal(long.length, 303);
  });

  test("responses are read whatever else is in them, and what is no status is UNKNOWN", () => {
    const cases: [readonly number[], string][] = [
      [[], "UNKNOWN"],
      [[8, 0], "UNKNOWN"],
      [[8, 1], "SERVING"],
      [[8, 2], "NOT_SERVING"],
      [[8, 3], "SERVICE_UNKNOWN"],
      [[8, 4], "UNKNOWN"],
      [[8, 2, 8, 1], "SERVING"],
      [[18, 2, 1, 2, 8, 1], "SERVING"],
      [[17, 0, 0, 0, 0, 0, 0, 0, 0, 8, 1], "SERVING"],
      [[21, 0, 0, 0, 0, 8, 1], "SERVING"],
      [[16, 200, 1, 8, 1], "SERVING"],
      [[8], "UNKNOWN"],
      [[8, 255, 255, 255, 255, 255, 255, 255, 255, 255, 1], "UNKNOWN"],
      [[255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255], "UNKNOWN"],
      [[18, 255, 255, 3, 8, 1], "UNKNOWN"],
      [[15, 8, 1], "UNKNOWN"],
    ];
    for (const [bytes, status] of cases) assert.equal(decodeHealthResponse(Uint8Array.from(bytes)), status, `${bytes}`);
  });
});

test("healthCheck names a service, and is checked", () => {
  const check = (healthCheck: unknown) => () => checkAvailabilityOptions({ healthCheck } as AvailabilityInit);
  assert.throws(check(true), /healthCheck must be an object like \{ service: "pkg\.Service" \}, not true/);
  assert.throws(check({}), /healthCheck\.service must be a string, "" for the whole server, not undefined/);
  assert.throws(check({ service: "a", interval: 1 }), /healthCheck has no field "interval"/);
  assert.equal(checkAvailabilityOptions({}).healthCheck, undefined);
});
