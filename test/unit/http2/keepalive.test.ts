import assert from "node:assert/strict";
import { test } from "node:test";
import type { Connection } from "../../../src/http2/connection.ts";
import { Keepalive, type KeepaliveOptions, keepaliveStepMs } from "../../../src/http2/keepalive.ts";
import { Beat } from "../../../src/runtime/beat.ts";
import { ManualClock } from "../../support/manual-clock.ts";

const seconds = 1_000;
const minutes = 60 * seconds;

type Watched =
  | "openStreams"
  | "streamsStarted"
  | "bytesRead"
  | "responsesRead"
  | "ownPings"
  | "bytesWritten"
  | "isBlocked"
  | "ping";

/** A connection that only has what a keepalive looks at; `answer` answers the oldest open PING. */
class FakeConnection implements Pick<Connection, Watched> {
  openStreams = 0;
  streamsStarted = 0;
  bytesRead = 100;
  responsesRead = 0;
  ownPings = 0;
  bytesWritten = 0;
  isBlocked = false;
  pings = 0;
  onPing: () => void = () => undefined;
  readonly #waiting: (() => void)[] = [];

  ping(onAnswer: () => void): void {
    this.pings++;
    this.#waiting.push(onAnswer);
    this.onPing();
  }

  answer(): void {
    const answered = this.#waiting.shift();
    if (answered === undefined) return;
    this.bytesRead += 17;
    answered();
  }

  /** The peer answers a call. */
  respond(): void {
    this.bytesRead += 100;
    this.responsesRead++;
  }
}

function watch(options: Partial<KeepaliveOptions> = {}) {
  const clock = new ManualClock();
  const connection = new FakeConnection();
  const silences: number[] = [];
  const steps: string[] = [];
  const all = { pingIntervalMs: undefined, pingIdleConnection: false, pingTimeoutMs: 15 * seconds, ...options };
  const keepalive = new Keepalive(
    connection as unknown as Connection,
    all,
    { clock, beat: new Beat(keepaliveStepMs(all), clock) },
    {
      onSuspected: (reason) => steps.push(reason),
      onCleared: () => steps.push("cleared"),
      onSilent: (waitedMs) => silences.push(waitedMs),
    },
  );
  return { clock, connection, keepalive, silences, steps };
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

test("a PING of the engine's own after the last data counts among those that a server puts up with", async () => {
  const { clock, connection, keepalive } = watch();
  const pingsAfter = async (ownPings: number) => {
    connection.respond();
    connection.ownPings += ownPings;
    const before = connection.pings;
    for (let i = 0; i < 200; i++) {
      keepalive.suspect();
      connection.answer();
      await clock.advance(1 * seconds);
    }
    return connection.pings - before;
  };
  assert.equal(await pingsAfter(0), 3);
  assert.equal(await pingsAfter(5), 2);
});

test("data from the server makes suspicions draw PINGs again", async () => {
  const { clock, connection, keepalive } = watch();
  for (let i = 1; i <= 10; i++) {
    keepalive.suspect();
    assert.equal(connection.pings, i);
    connection.answer();
    connection.respond();
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

test("slowDownTo is the interval from then on", async () => {
  const { clock, connection, keepalive } = watch({ pingIntervalMs: 10 * seconds, pingIdleConnection: true });
  keepalive.slowDownTo(20 * seconds);
  await clock.advance(19 * seconds);
  assert.equal(connection.pings, 0);
  await clock.advance(3 * seconds);
  assert.equal(connection.pings, 1);
});

test("slowDownTo is the time between the PINGs for suspicions too", async () => {
  const { clock, connection, keepalive } = watch({ pingIntervalMs: 10 * seconds });
  keepalive.slowDownTo(20 * seconds);
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

/**
 * How stock grpc-go, grpc-java and C-core judge the PINGs of a client: one too early, less than 5 minutes after the last
 * with a call open and less than 2 hours after it without, is a strike, and the third is answered with GOAWAY. HEADERS
 * and DATA that the server sends wipe them out. The first PING is never too early.
 */
class StrikingServer {
  strikes = 0;
  goaways = 0;
  readonly #clock: ManualClock;
  readonly #connection: FakeConnection;
  #lastPingMs = Number.NEGATIVE_INFINITY;
  #responsesSeen = 0;

  constructor(clock: ManualClock, connection: FakeConnection) {
    this.#clock = clock;
    this.#connection = connection;
    connection.onPing = () => this.#pinged();
  }

  #pinged(): void {
    const { openStreams, responsesRead } = this.#connection;
    const minMs = openStreams > 0 ? 5 * minutes : 120 * minutes;
    if (responsesRead !== this.#responsesSeen) this.strikes = 0;
    else if (this.#clock.now() - this.#lastPingMs < minMs) this.strikes++;
    this.#responsesSeen = responsesRead;
    this.#lastPingMs = this.#clock.now();
    if (this.strikes > 2) this.goaways++;
    this.#connection.answer();
  }
}

test("hung handlers beside quiet streams draw no too_many_pings: RST_STREAM and WINDOW_UPDATE forgive nothing", async () => {
  for (const quietStreams of [5, 0]) {
    const { clock, connection, keepalive } = watch();
    const server = new StrikingServer(clock, connection);
    // For an hour a call misses its deadline each second, and the server resets it without a response.
    for (let i = 0; i < 3_600; i++) {
      connection.openStreams = quietStreams + 1;
      connection.streamsStarted++;
      await clock.advance(1 * seconds);
      keepalive.suspect();
      connection.openStreams = quietStreams;
      connection.bytesRead += 13;
    }
    assert.equal(server.goaways, 0);
    assert.ok(connection.pings > 10, `${connection.pings} PINGs: it is still asked about every 5 minutes`);
  }
});

test("calls that are given up one after the other draw no too_many_pings from a server that has none open", async () => {
  for (const pingIntervalMs of [undefined, 10 * seconds]) {
    const { clock, connection } = watch({ pingIntervalMs });
    const server = new StrikingServer(clock, connection);
    for (let i = 0; i < 1_800; i++) {
      connection.streamsStarted++;
      await clock.advance(1 * seconds);
    }
    assert.equal(server.goaways, 0);
    assert.ok(connection.pings > 0);
  }
});

test("the death of a connection whose handlers all hung is found, though its server put up with few PINGs", async () => {
  const { clock, connection, keepalive, silences } = watch();
  new StrikingServer(clock, connection);
  connection.openStreams = 5;
  const hang = async (forSeconds: number) => {
    for (let i = 0; i < forSeconds && silences.length === 0; i++) {
      keepalive.suspect();
      await clock.advance(1 * seconds);
    }
  };
  await hang(20 * 60);
  connection.onPing = () => undefined;
  await hang(6 * 60);
  assert.equal(silences.length, 1);
});

test("calls that their callers give up without a byte in answer draw a PING, though none is open when it is due", async () => {
  for (const pingIntervalMs of [undefined, 30 * seconds]) {
    const { clock, connection, silences } = watch({ pingIntervalMs });
    const startedMs = clock.now();
    for (let i = 0; i < 100 && silences.length === 0; i++) {
      connection.openStreams = 1;
      connection.streamsStarted++;
      await clock.advance(0.5 * seconds);
      connection.openStreams = 0;
      await clock.advance(0.5 * seconds);
    }
    assert.equal(connection.pings, 1);
    assert.equal(silences.length, 1, `no answer after ${clock.now() - startedMs} ms`);
  }
});

test("calls that are answered draw no PING, however seldom they are", async () => {
  for (const pingIntervalMs of [undefined, 30 * seconds]) {
    const { clock, connection } = watch({ pingIntervalMs });
    for (let i = 0; i < 20; i++) {
      connection.streamsStarted++;
      connection.respond();
      await clock.advance(2 * minutes);
    }
    assert.equal(connection.pings, 0);
  }
});

test("an upload that the peer takes slowly, and answers with nothing, is no silence", async () => {
  const { clock, connection, silences } = watch();
  connection.openStreams = 1;
  connection.isBlocked = true;
  for (let i = 0; i < 30; i++) {
    connection.bytesWritten += 1_000_000;
    await clock.advance(8 * seconds);
  }
  assert.deepEqual([connection.pings, silences], [0, []]);
});

test("a PING behind bytes that the peer takes slowly has all its time once they have left", async () => {
  const { clock, connection, keepalive, silences } = watch();
  connection.openStreams = 1;
  connection.isBlocked = true;
  keepalive.suspect();
  for (let i = 0; i < 10; i++) {
    connection.bytesWritten += 1_000_000;
    await clock.advance(8 * seconds);
  }
  connection.bytesWritten += 1_000_000;
  connection.isBlocked = false;
  await clock.advance(14 * seconds);
  assert.deepEqual(silences, []);
  connection.answer();
  await clock.advance(60 * seconds);
  assert.deepEqual(silences, []);
});

test("a peer that made room for more every 25 s may take a few times that for what the kernels hold", async () => {
  const { clock, connection, silences } = watch();
  connection.openStreams = 1;
  connection.isBlocked = true;
  for (let i = 0; i < 4; i++) {
    await clock.advance(25 * seconds);
    connection.bytesWritten += 1_000_000;
  }
  connection.isBlocked = false;
  await clock.advance(90 * seconds);
  assert.deepEqual([connection.pings, silences], [1, []]);
  connection.answer();
  connection.respond();
  await clock.advance(5.5 * minutes);
  assert.equal(connection.pings, 2, "the call still waits, and hears nothing");
  assert.equal(silences.length, 1, "what the peer answered since proves that it has read everything");
});

test("an answer to an earlier PING does not prove that what was written since has been read", async () => {
  const { clock, connection, silences } = watch({ pingIntervalMs: 5 * seconds, pingTimeoutMs: 2 * seconds });
  connection.openStreams = 1;
  connection.isBlocked = true;
  await clock.advance(6 * seconds);
  assert.equal(connection.pings, 1);
  // Room for the last bytes, after 6 s: the kernels may hold what takes some 20 s to read.
  connection.bytesWritten += 1_000_000;
  connection.isBlocked = false;
  await clock.advance(2 * seconds);
  connection.answer();
  await clock.advance(10 * seconds);
  assert.deepEqual([connection.pings, silences], [2, []]);
  await clock.advance(25 * seconds);
  assert.equal(silences.length, 1, "it has had all the time that the bytes may take");
});

test("a peer that stops taking an upload is found out, and one that stops to answer small calls as soon as ever", async () => {
  const upload = watch();
  upload.connection.openStreams = 1;
  upload.connection.isBlocked = true;
  for (let i = 0; i < 5; i++) {
    upload.connection.bytesWritten += 1_000_000;
    await upload.clock.advance(8 * seconds);
  }
  await upload.clock.advance(60 * seconds);
  assert.equal(upload.silences.length, 1);

  // The kernel goes on taking what is small for a long time after the peer has died.
  const { clock, connection, silences } = watch();
  connection.openStreams = 1;
  for (let i = 0; i < 50 && silences.length === 0; i++) {
    connection.streamsStarted++;
    connection.bytesWritten += 200;
    await clock.advance(1 * seconds);
  }
  assert.deepEqual(silences, [10 * seconds]);
});

test("suspicion begins with the PING and ends with its answer, or with the first byte that is noticed", async () => {
  const { clock, connection, keepalive, steps } = watch();
  assert.equal(keepalive.isSuspicious, false);
  keepalive.suspect();
  assert.equal(keepalive.isSuspicious, true);
  connection.answer();
  assert.equal(keepalive.isSuspicious, false);
  connection.respond();
  await clock.advance(2 * seconds);
  keepalive.suspect();
  connection.respond();
  await clock.advance(3 * seconds);
  assert.deepEqual(steps, ["deadline", "cleared", "deadline", "cleared"]);
});

test("what a server that complains wants is twice the time between PINGs that it met, and never more than 2 hours", async () => {
  const { connection, keepalive } = watch({ pingIntervalMs: 10 * seconds });
  connection.openStreams = 1;
  keepalive.suspect();
  connection.answer();
  keepalive.slowDownTo(20 * seconds);
  assert.equal(keepalive.slowerPaceMs, 20 * seconds, "its complaint is about PINGs before it was slowed down");
  keepalive.slowDownTo(15 * seconds);
  const slow = watch({ pingIntervalMs: 100 * minutes }).keepalive;
  assert.equal(slow.slowerPaceMs, 120 * minutes);
  assert.equal(watch({ pingIntervalMs: 180 * minutes }).keepalive.slowerPaceMs, 180 * minutes);
});

test("a process that was stopped for an hour asks each connection once, with calls or without, and ends those that are silent", async () => {
  for (const openStreams of [0, 1]) {
    const { clock, connection, keepalive, silences, steps } = watch();
    connection.openStreams = openStreams;
    await clock.advance(10 * seconds);
    clock.stall(60 * minutes);
    await clock.advance(0);
    assert.deepEqual([connection.pings, steps], [1, ["silence"]]);
    connection.answer();
    await clock.advance(60 * seconds);
    assert.deepEqual([connection.pings, steps], [1, ["silence", "cleared"]]);
    clock.stall(60 * minutes);
    await clock.advance(10 * seconds);
    assert.deepEqual([connection.pings, silences], [2, [10 * seconds]]);
    keepalive.stop();
  }
});

test("what came while the process was stopped is no answer to the PING that it sends when it goes on", async () => {
  const { clock, connection, silences } = watch();
  clock.stall(60 * minutes);
  clock.afterInput(() => {
    connection.bytesRead += 17;
  });
  await clock.advance(10 * seconds);
  assert.deepEqual([connection.pings, silences], [1, [10 * seconds]]);
});

test("a process that was stopped for less than a silence may last asks nobody, and one that asks for no PINGs never does", async () => {
  for (const [options, stoppedMs] of [
    [{}, 29 * seconds],
    [{ pingIntervalMs: Number.POSITIVE_INFINITY }, 60 * minutes],
  ] as const) {
    const { clock, connection, keepalive } = watch(options);
    clock.stall(stoppedMs);
    await clock.advance(20 * seconds);
    assert.equal(connection.pings, 0);
    keepalive.stop();
  }
});

test("a process that is stopped again and again, and has no calls, asks no more often than servers put up with", async () => {
  const { clock, connection, keepalive } = watch();
  for (let i = 0; i < 20; i++) {
    clock.stall(10 * minutes);
    await clock.advance(1 * seconds);
    connection.answer();
  }
  assert.equal(connection.pings, 3);
  keepalive.stop();
});
