import assert from "node:assert/strict";
import { test } from "node:test";
import type { Connection } from "../../src/http2/connection.ts";
import { Keepalive, type KeepaliveOptions } from "../../src/http2/keepalive.ts";
import { ManualClock } from "../support/manual-clock.ts";

const seconds = 1_000;
const minutes = 60 * seconds;

/** A connection that only has what a keepalive looks at; `answer` answers the oldest open PING. */
class FakeConnection implements Pick<Connection, "openStreams" | "bytesRead" | "ping"> {
  openStreams = 0;
  bytesRead = 100;
  pings = 0;
  readonly #waiting: (() => void)[] = [];

  ping(onAnswer: () => void): void {
    this.pings++;
    this.#waiting.push(onAnswer);
  }

  answer(): void {
    const answered = this.#waiting.shift();
    if (answered === undefined) return;
    this.bytesRead += 17;
    answered();
  }
}

function watch(options: Partial<KeepaliveOptions> = {}) {
  const clock = new ManualClock();
  const connection = new FakeConnection();
  const silences: number[] = [];
  const keepalive = new Keepalive(
    connection as unknown as Connection,
    { pingIntervalMs: undefined, pingIdleConnection: false, pingTimeoutMs: 15 * seconds, ...options },
    clock,
    { suspected: () => undefined, cleared: () => undefined, silent: (waitedMs) => silences.push(waitedMs) },
  );
  return { clock, connection, keepalive, silences };
}

test("watchdog: 30 s of silence under an open call draw one PING, and 10 s without an answer end the connection", async () => {
  const { clock, connection, silences } = watch();
  connection.openStreams = 1;
  await clock.advance(29 * seconds);
  assert.equal(connection.pings, 0);
  await clock.advance(6 * seconds);
  assert.equal(connection.pings, 1);
  assert.deepEqual(silences, []);
  await clock.advance(10 * seconds);
  assert.deepEqual(silences, [10 * seconds]);
  assert.equal(clock.pending, 0, "no timer is left");
});

test("watchdog: a peer that answers its PING is not asked again for 5 minutes", async () => {
  const { clock, connection, silences } = watch();
  connection.openStreams = 1;
  await clock.advance(35 * seconds);
  connection.answer();
  await clock.advance(4.8 * minutes);
  assert.equal(connection.pings, 1);
  await clock.advance(0.5 * minutes);
  assert.equal(connection.pings, 2);
  assert.deepEqual(silences, [10 * seconds], "the second PING had no answer");
});

test("watchdog: bytes that keep coming, or no open call, draw no PING", async () => {
  const { clock, connection } = watch();
  await clock.advance(10 * minutes);
  connection.openStreams = 3;
  for (let i = 0; i < 40; i++) {
    connection.bytesRead += 50;
    await clock.advance(20 * seconds);
  }
  assert.equal(connection.pings, 0);
});

test("a call on a connection that was long quiet draws no PING before its own silence is long enough", async () => {
  for (const pingIntervalMs of [undefined, 30 * seconds]) {
    const { clock, connection } = watch({ pingIntervalMs });
    await clock.advance(20 * minutes);
    connection.openStreams = 1;
    await clock.advance(26 * seconds);
    assert.equal(connection.pings, 0);
    await clock.advance(8 * seconds);
    assert.equal(connection.pings, 1);
  }
});

test("pingIntervalMs: a PING after each interval of silence, without calls only with pingIdleConnection", async () => {
  const quiet = watch({ pingIntervalMs: 10 * seconds });
  await quiet.clock.advance(60 * seconds);
  assert.equal(quiet.connection.pings, 0);
  const { clock, connection, silences } = watch({ pingIntervalMs: 10 * seconds, pingIdleConnection: true });
  for (let i = 1; i <= 5; i++) {
    await clock.advance(11 * seconds);
    assert.equal(connection.pings, i);
    connection.answer();
  }
  await clock.advance(11 * seconds);
  await clock.advance(15 * seconds);
  assert.equal(silences.length, 1);
});

test("pingIntervalMs Infinity: no PING ever, not even for a suspicion", async () => {
  const { clock, connection, keepalive } = watch({ pingIntervalMs: Number.POSITIVE_INFINITY });
  connection.openStreams = 1;
  keepalive.suspect();
  await clock.advance(60 * minutes);
  keepalive.suspect();
  assert.equal(connection.pings, 0);
});

test("suspicions share one PING, and its silence is told once", async () => {
  const { clock, connection, keepalive, silences } = watch();
  for (let i = 0; i < 100; i++) keepalive.suspect();
  assert.equal(connection.pings, 1);
  await clock.advance(14 * seconds);
  keepalive.suspect();
  await clock.advance(2 * seconds);
  assert.equal(connection.pings, 1);
  assert.deepEqual(silences, [15 * seconds]);
});

test("any byte read after the PING is an answer", async () => {
  const { clock, connection, keepalive, silences } = watch();
  keepalive.suspect();
  await clock.advance(10 * seconds);
  connection.bytesRead += 1;
  await clock.advance(10 * seconds);
  assert.deepEqual(silences, []);
});

test("a server whose handlers are slow and that answers every PING gets at most 3 for suspicions in 5 minutes", async () => {
  const { clock, connection, keepalive } = watch();
  for (let i = 0; i < 295; i++) {
    keepalive.suspect();
    connection.answer();
    await clock.advance(1 * seconds);
  }
  assert.ok(connection.pings >= 2 && connection.pings <= 3, `${connection.pings} PINGs`);
});

test("data from the server makes suspicions draw PINGs again", async () => {
  const { clock, connection, keepalive } = watch();
  for (let i = 1; i <= 10; i++) {
    keepalive.suspect();
    assert.equal(connection.pings, i);
    connection.answer();
    connection.bytesRead += 100;
    await clock.advance(2 * seconds);
  }
});

test("a stall of our own event loop is not held against the peer", async () => {
  const { clock, connection, keepalive, silences } = watch();
  keepalive.suspect();
  clock.stall(60 * seconds);
  await clock.advance(0);
  assert.deepEqual(silences, [], "the peer gets the time back");
  await clock.advance(10 * seconds);
  connection.answer();
  await clock.advance(60 * seconds);
  assert.deepEqual(silences, []);
});

test("a peer is owed the time that our event loop stood still, and no more", async () => {
  const { clock, keepalive, silences } = watch();
  keepalive.suspect();
  clock.stall(15.5 * seconds);
  await clock.advance(0);
  assert.deepEqual(silences, []);
  await clock.advance(0.5 * seconds);
  assert.deepEqual(silences, [16 * seconds]);
});

test("a peer that stays silent after a stall is still found out", async () => {
  const { clock, keepalive, silences } = watch();
  keepalive.suspect();
  clock.stall(60 * seconds);
  await clock.advance(0);
  await clock.advance(20 * seconds);
  assert.equal(silences.length, 1);
});

test("slowDown doubles the interval", async () => {
  const { clock, connection, keepalive } = watch({ pingIntervalMs: 10 * seconds, pingIdleConnection: true });
  keepalive.slowDown();
  await clock.advance(19 * seconds);
  assert.equal(connection.pings, 0);
  await clock.advance(3 * seconds);
  assert.equal(connection.pings, 1);
});

test("slowDown doubles the time between the PINGs for suspicions too", async () => {
  const { clock, connection, keepalive } = watch({ pingIntervalMs: 10 * seconds });
  keepalive.slowDown();
  keepalive.suspect();
  connection.answer();
  await clock.advance(19 * seconds);
  keepalive.suspect();
  assert.equal(connection.pings, 1);
  await clock.advance(1 * seconds);
  keepalive.suspect();
  assert.equal(connection.pings, 2);
});

test("stop leaves no timer, with a PING under way too", async () => {
  const { clock, connection, keepalive, silences } = watch();
  keepalive.suspect();
  keepalive.stop();
  assert.equal(clock.pending, 0);
  connection.answer();
  await clock.advance(60 * minutes);
  assert.deepEqual(silences, []);
  assert.equal(connection.pings, 1);
});
