import assert from "node:assert/strict";
import { test } from "node:test";
import { pickFirst } from "../../../src/balancing/pick-first.ts";
import { pickFromReady } from "../../../src/balancing/policy.ts";
import type { Subchannel } from "../../../src/subchannel/subchannel.ts";
import type { FakeConnection } from "../../support/fake-connector.ts";
import { callsTo, type FakePoolOptions, fakePool, renewEldest, TestCall } from "../../support/fake-pool.ts";
import { settle } from "../../support/manual-clock.ts";

const noTimeout = Number.POSITIVE_INFINITY;

/** Three ready backends, and how to reach each: its subchannel and its connection. */
async function poolOfThree(options: FakePoolOptions = {}, pingIntervalMs?: number, pingTimeoutMs = 60_000) {
  const keepalive = { pingIntervalMs, pingIdleConnection: false, pingTimeoutMs };
  const all = fakePool({ ...options, subchannel: { live: { keepalive, idleConnectionTimeoutMs: noTimeout } } });
  all.pool.wake();
  all.resolver.report("10.0.0.1", "10.0.0.2", "10.0.0.3");
  await settle();
  const subchannels = all.pool.subchannels as readonly [Subchannel, Subchannel, Subchannel];
  const connectionOf = (one: Subchannel) => one.connections[0]?.connection as FakeConnection;
  return { ...all, subchannels, connectionOf };
}

/** Nobody dials in these tests but the pool: addresses of the backends that calls went to. */
function served(pool: Parameters<typeof callsTo>[0], count = 6): string[] {
  return [...callsTo(pool, count).keys()].sort();
}

/** A call to each of the three, which give up before anything comes. */
function unansweredCalls(pool: Parameters<typeof callsTo>[0]): void {
  for (let i = 0; i < 3; i++) new TestCall(pool).start().stream?.reset();
}

test("a backend that let a deadline pass gets no call until it answers its PING, while another is usable", async () => {
  const { pool, events, subchannels, connectionOf, close } = await poolOfThree();
  const [frozen] = subchannels;
  frozen.connections[0]?.suspect();
  await settle();
  assert.equal(frozen.availability, "suspect");
  assert.equal(frozen.state, "ready", "that is apart from connectivity");
  assert.deepEqual(served(pool), ["10.0.0.2:1", "10.0.0.3:1"]);
  assert.deepEqual(events.ofType("subchannel-suspect"), [
    { type: "subchannel-suspect", address: "10.0.0.1:1", reason: "deadline" },
  ]);
  connectionOf(frozen).answerPing();
  await settle();
  assert.deepEqual(served(pool), ["10.0.0.1:1", "10.0.0.2:1", "10.0.0.3:1"]);
  assert.deepEqual(events.ofType("subchannel-usable"), [
    { type: "subchannel-usable", address: "10.0.0.1:1", suspectMs: 0 },
  ]);
  close();
});

test("a policy of the user's own is not offered suspects either", async () => {
  const offered: string[][] = [];
  const own = pickFromReady("own", (ready) => {
    offered.push(ready.map(({ id }) => id));
    return { pick: () => ready[0] ?? "queue" };
  });
  const { subchannels, close } = await poolOfThree({ loadBalancing: own });
  subchannels[1].connections[0]?.suspect();
  await settle();
  assert.deepEqual(offered.at(-1)?.sort(), ["10.0.0.1:1", "10.0.0.3:1"]);
  close();
});

test("while all backends are suspect, calls go to all of them", async () => {
  const { pool, subchannels, connectionOf, close } = await poolOfThree();
  for (const one of subchannels) one.connections[0]?.suspect();
  await settle();
  assert.equal(served(pool).length, 3);
  connectionOf(subchannels[2]).answerPing();
  await settle();
  assert.deepEqual(served(pool), ["10.0.0.3:1"], "the first that answers has them all");
  close();
});

test("calls wait for a slot of a usable backend rather than go to a suspect that has room", async () => {
  const { pool, subchannels, connectionOf, close } = await poolOfThree();
  subchannels[0].connections[0]?.suspect();
  await settle();
  for (const one of subchannels.slice(1)) connectionOf(one).allow(1);
  const calls = Array.from({ length: 3 }, () => new TestCall(pool).start());
  assert.deepEqual(
    calls.map(({ waits }) => waits),
    [false, false, true],
  );
  connectionOf(subchannels[0]).answerPing();
  await settle();
  assert.equal(calls[2]?.backend, "10.0.0.1:1");
  close();
});

test("a suspect that says nothing for 2 s is reported once; whatever it says then ends the suspicion", async () => {
  const { pool, clock, events, subchannels, connectionOf, close } = await poolOfThree();
  const [frozen] = subchannels;
  frozen.connections[0]?.suspect();
  await clock.advance(1_999);
  assert.deepEqual(events.ofType("subchannel-silent"), []);
  await clock.advance(10_000);
  assert.deepEqual(events.ofType("subchannel-silent"), [
    { type: "subchannel-silent", address: "10.0.0.1:1", silentMs: 2_000 },
  ]);
  // A busy peer may be slow to acknowledge a PING.
  connectionOf(frozen).bytesRead += 100;
  await clock.advance(1_000);
  assert.equal(served(pool).length, 3);
  close();
});

test("a PING in silence makes no suspect of a peer that answers it, only of one that does not", async () => {
  const { clock, connector, events, subchannels, connectionOf, pool, close } = await poolOfThree({}, 10_000);
  for (const connection of connector.open) connection.answersPings = true;
  const calls = Array.from({ length: 3 }, () => new TestCall(pool).start());
  await clock.advance(60_000);
  assert.ok(connector.open.every(({ pings }) => pings > 0));
  assert.deepEqual(events.ofType("subchannel-suspect"), []);
  connectionOf(subchannels[0]).answersPings = false;
  await clock.advance(12_000);
  assert.deepEqual(events.ofType("subchannel-suspect"), [
    { type: "subchannel-suspect", address: "10.0.0.1:1", reason: "silence" },
  ]);
  for (const { stream } of calls) stream?.finish();
  close();
});

test("where no PING may be sent, a backend is suspect once it answers none of the calls of a second, for 10 s", async () => {
  const { pool, clock, events, subchannels, connectionOf, close } = await poolOfThree({}, noTimeout);
  const [slow] = subchannels;
  const speak = () => {
    connectionOf(slow).bytesRead++;
  };
  // Slow with some of its calls only: it answers others.
  slow.connections[0]?.suspect();
  unansweredCalls(pool);
  speak();
  await clock.advance(5_000);
  // Nobody calls it: that it says nothing means nothing.
  slow.connections[0]?.suspect();
  await clock.advance(5_000);
  assert.deepEqual(events.ofType("subchannel-suspect"), []);
  slow.connections[0]?.suspect();
  unansweredCalls(pool);
  await clock.advance(999);
  assert.equal(slow.availability, "usable");
  await clock.advance(1);
  assert.equal(slow.availability, "suspect");
  assert.deepEqual(served(pool), ["10.0.0.2:1", "10.0.0.3:1"]);
  await clock.advance(9_999);
  assert.equal(slow.availability, "suspect");
  await clock.advance(1);
  assert.equal(slow.availability, "usable", "nothing but calls can find out");
  assert.equal(served(pool).length, 3);
  // And again, until it says something.
  slow.connections[0]?.suspect();
  unansweredCalls(pool);
  await clock.advance(1_000);
  assert.equal(slow.availability, "suspect");
  speak();
  await clock.advance(1_000);
  assert.equal(slow.availability, "usable");
  assert.equal(connectionOf(slow).pings, 0);
  close();
});

test("a healthy backend whose calls all miss a deadline of 5 ms is out of use for a round trip a second at most", async () => {
  const { clock, events, subchannels, connectionOf, close } = await poolOfThree();
  const [slow] = subchannels;
  const connection = connectionOf(slow);
  let suspectMs = 0;
  for (let ms = 0; ms < 10_000; ms += 5) {
    // Each call reaches it, and it answers others.
    slow.connections[0]?.suspect();
    connection.bytesRead++;
    if (slow.availability === "suspect") suspectMs += 5;
    await clock.advance(5);
    connection.answerPing();
  }
  assert.ok(suspectMs <= 50, `suspect for ${suspectMs} ms of 10 000`);
  assert.ok(events.ofType("subchannel-suspect").length <= 10);
  assert.deepEqual(events.ofType("subchannel-silent"), []);
  close();
});

test("a suspect whose PING times out is lost, and its new connection is as good as any", async () => {
  const { pool, clock, connector, events, subchannels, close } = await poolOfThree({}, undefined, 5_000);
  const [frozen] = subchannels;
  frozen.connections[0]?.suspect();
  await clock.advance(5_000);
  await settle();
  assert.equal(connector.dialsOf("10.0.0.1:1").length, 2);
  assert.equal(frozen.availability, "usable");
  assert.equal(served(pool).length, 3);
  assert.deepEqual(events.ofType("subchannel-usable"), [], "it did not answer");
  close();
});

test("a successor takes the place of a suspect connection without its suspicion", async () => {
  const { pool, events, subchannels, close } = await poolOfThree();
  const [frozen] = subchannels;
  frozen.connections[0]?.suspect();
  await settle();
  renewEldest(frozen);
  await settle();
  assert.equal(frozen.availability, "usable");
  assert.equal(events.ofType("subchannel-usable").length, 1);
  assert.equal(served(pool).length, 3);
  close();
});

test("pick_first leaves a suspect for another backend, unless it answers within 250 ms", async () => {
  const { pool, clock, connector, close, ...rest } = await poolOfThree({ loadBalancing: pickFirst() });
  const [chosen] = rest.subchannels;
  const connection = rest.connectionOf(chosen);
  assert.equal(connector.open.length, 1);
  chosen.connections[0]?.suspect();
  await clock.advance(249);
  connection.answerPing();
  await clock.advance(10_000);
  assert.equal(connector.dials.length, 1, "short suspicions cost no dial");
  const open = new TestCall(pool).start();
  chosen.connections[0]?.suspect();
  await settle();
  assert.deepEqual(served(pool), ["10.0.0.1:1"], "there is no other yet");
  await clock.advance(250);
  assert.deepEqual(served(pool), ["10.0.0.2:1"]);
  assert.equal(connection.closed, false, "its open call goes on");
  open.stream?.finish();
  assert.equal(connection.closed, true);
  close();
});
