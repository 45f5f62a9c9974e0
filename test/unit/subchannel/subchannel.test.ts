import assert from "node:assert/strict";
import { test } from "node:test";
import type { ConnectivityState } from "../../../src/base/connectivity-state.ts";
import type { Failure } from "../../../src/base/errors.ts";
import { endpointOf } from "../../../src/endpoint/endpoint.ts";
import { http2ErrorCode } from "../../../src/http2/error-codes.ts";
import { emptyTally } from "../../../src/subchannel/backend-record.ts";
import { connectionBeats } from "../../../src/subchannel/connection-beats.ts";
import type { LiveConnection } from "../../../src/subchannel/live-connection.ts";
import type { LiveConnectionOptions } from "../../../src/subchannel/live-connection-context.ts";
import { Subchannel } from "../../../src/subchannel/subchannel.ts";
import type { PoolConditions, SubchannelContext } from "../../../src/subchannel/subchannel-context.ts";
import type { SubchannelListener } from "../../../src/subchannel/subchannel-listener.ts";
import { deafListener, type FakeConnection, FakeConnector, type FakeStream } from "../../support/fake-connector.ts";
import { addressOf, renewEldest, subchannelOptions } from "../../support/fake-pool.ts";
import { heapInUseMb } from "../../support/heap.ts";
import { ManualClock, settle } from "../../support/manual-clock.ts";
import { QuietHold } from "../../support/quiet-hold.ts";

/** Remembers what a subchannel tells, and lets retired connections drain. */
class RecordingListener implements SubchannelListener<Subchannel> {
  readonly steps: string[] = [];
  readonly retired: string[] = [];
  readonly failures: Failure[] = [];
  readonly renewalFailures: Failure[] = [];
  /** Connections that entered service, less those that left it. */
  readonly inService = new Set<LiveConnection>();
  rests = 0;

  onStateChanged({ state }: Subchannel, from: ConnectivityState, failure: Failure | undefined): void {
    this.steps.push(`${from} > ${state}`);
    if (failure !== undefined) this.failures.push(failure);
  }
  onCapacity(): void {
    this.steps.push("capacity");
  }
  onFull(): void {
    this.steps.push("full");
  }
  onUnanswered(): void {
    this.steps.push("unanswered");
  }
  onCleared(): void {
    this.steps.push("cleared");
  }
  onCallFailed(): void {
    this.steps.push("call failed");
  }
  onRenewalFailed(_: Subchannel, __: LiveConnection, failure: Failure): void {
    this.renewalFailures.push(failure);
  }
  onSuspected(_: Subchannel, __: LiveConnection, reason: string): void {
    this.steps.push(`suspect: ${reason}`);
  }
  onTooManyPings(minPaceMs: number): void {
    this.steps.push(`slow down to ${minPaceMs} ms`);
  }
  onEntered(_: Subchannel, live: LiveConnection): void {
    this.inService.add(live);
  }
  onLeft(_: Subchannel, live: LiveConnection): void {
    assert.equal(this.inService.delete(live), true);
  }
  onRetired(_: Subchannel, live: LiveConnection, reason: string): void {
    this.retired.push(reason);
    live.connection.drain();
  }
  onGoaway(): void {
    this.steps.push("goaway");
  }
  onResting(): void {
    this.rests++;
  }

  /** The steps since the last look. */
  take(): string[] {
    return this.steps.splice(0);
  }
}

function setUp(changes: Partial<SubchannelContext> = {}, endpoint = endpointOf(addressOf("10.0.0.1"))) {
  const clock = new ManualClock();
  const hold = new QuietHold();
  hold.acquire();
  const connector = new FakeConnector();
  const owner = new RecordingListener();
  const options = subchannelOptions(connector, clock, hold, changes);
  const beats = connectionBeats(options.live, clock);
  const conditions: PoolConditions = { minPingPaceMs: 0, resting: false, tally: emptyTally(), beats };
  const subchannel = new Subchannel(endpoint, options, conditions, owner);
  return { subchannel, clock, hold, connector, owner, conditions };
}

/** The usual options of a connection with some changed. */
function liveOptions(changes: Partial<LiveConnectionOptions>): Partial<SubchannelContext> {
  const { live } = subchannelOptions(new FakeConnector(), new ManualClock(), new QuietHold());
  return { live: { ...live, ...changes } };
}

type SetUp = ReturnType<typeof setUp>;

async function makeReady({ subchannel, connector }: SetUp): Promise<FakeConnection> {
  subchannel.connect();
  const connection = connector.last.succeed();
  await settle();
  assert.equal(subchannel.state, "ready");
  return connection;
}

function request(subchannel: Subchannel) {
  return subchannel.connectionWithRoom?.request({ path: "/x", fields: [] }, [], undefined, deafListener);
}

/** A call on the present connection was answered. */
function answered({ connections: [live] }: Subchannel): void {
  assert.ok(live !== undefined);
  live.noteAnswer();
}

test("nothing is dialled before connect", async () => {
  const { subchannel, connector, clock, hold } = setUp();
  await clock.advance(60_000);
  assert.equal(subchannel.state, "idle");
  assert.equal(connector.dials.length, 0);
  assert.equal(request(subchannel), undefined);
  hold.close();
});

test("connect dials once, and SETTINGS make it ready", async () => {
  const all = setUp();
  const { subchannel, connector, owner, hold } = all;
  subchannel.connect();
  subchannel.connect();
  assert.equal(connector.dials.length, 1);
  connector.last.succeed();
  await settle();
  subchannel.connect();
  assert.equal(connector.dials.length, 1);
  assert.deepEqual(owner.take(), ["idle > connecting", "connecting > ready"]);
  hold.close();
});

test("a failed dial waits out the backoff, counted from the start of the dial", async () => {
  const { subchannel, connector, clock, owner, hold } = setUp();
  subchannel.connect();
  await clock.advance(100);
  connector.last.fail();
  await settle();
  assert.equal(subchannel.state, "transient-failure");
  await clock.advance(149);
  assert.equal(subchannel.state, "transient-failure");
  await clock.advance(1);
  assert.equal(subchannel.state, "idle");
  assert.deepEqual(owner.take(), ["idle > connecting", "connecting > transient-failure", "transient-failure > idle"]);
  hold.close();
});

test("a dial that took longer than the backoff may be repeated at once", async () => {
  const { subchannel, connector, clock, hold } = setUp();
  subchannel.connect();
  await clock.advance(5_000);
  connector.last.fail("ETIMEDOUT");
  await clock.advance(0);
  assert.equal(subchannel.state, "idle");
  hold.close();
});

test("the backoff grows by 1.6 up to 10 s", async () => {
  const { subchannel, connector, clock, hold } = setUp();
  const waits: number[] = [];
  for (let i = 0; i < 11; i++) {
    subchannel.connect();
    connector.last.fail();
    await settle();
    let waited = 0;
    for (; subchannel.state === "transient-failure"; waited += 10) await clock.advance(10);
    waits.push(waited);
  }
  assert.deepEqual(waits, [250, 400, 640, 1_030, 1_640, 2_630, 4_200, 6_720, 10_000, 10_000, 10_000]);
  hold.close();
});

test("a backend that failed counts as failed until it is ready again", async () => {
  const { subchannel, connector, clock, hold } = setUp();
  subchannel.connect();
  connector.last.fail();
  await clock.advance(250);
  subchannel.connect();
  assert.equal(subchannel.state, "connecting");
  assert.match(subchannel.lastFailure?.message ?? "", /ECONNREFUSED/);
  connector.last.succeed();
  await settle();
  assert.equal(subchannel.lastFailure, undefined);
  hold.close();
});

for (const proof of ["answered a call", "stayed ready for 10 s"]) {
  test(`after the loss of a connection that ${proof} the next dial may start at once`, async () => {
    const all = setUp();
    const { subchannel, connector, clock, hold } = all;
    subchannel.connect();
    connector.last.fail();
    await clock.advance(250);
    const connection = await makeReady(all);
    if (proof === "answered a call") answered(subchannel);
    else await clock.advance(10_000);
    connection.lose();
    assert.equal(subchannel.state, "idle");
    assert.equal(subchannel.lastFailure, undefined);
    // And the backoff starts anew.
    subchannel.connect();
    connector.last.fail();
    await clock.advance(250);
    assert.equal(subchannel.state, "idle");
    hold.close();
  });
}

test("a connection that answered nothing and was lost before 10 s leaves the next dial on the backoff curve", async () => {
  const all = setUp();
  const { subchannel, clock, hold } = all;
  const connection = await makeReady(all);
  await clock.advance(9_999);
  connection.lose();
  assert.equal(subchannel.state, "transient-failure");
  hold.close();
});

test("a server that accepts and hangs up is dialled on the backoff curve, not in a loop", async () => {
  const all = setUp();
  const { subchannel, clock, connector, hold } = all;
  for (const wait of [250, 400, 640]) {
    const connection = await makeReady(all);
    connection.lose();
    assert.equal(subchannel.state, "transient-failure");
    await clock.advance(wait - 1);
    assert.equal(subchannel.state, "transient-failure");
    await clock.advance(1);
    assert.equal(subchannel.state, "idle");
  }
  assert.equal(connector.dials.length, 3);
  hold.close();
});

test("a connection that says GOAWAY leaves in the same tick and drains its calls", async () => {
  const all = setUp();
  const { subchannel, owner, hold } = all;
  const connection = await makeReady(all);
  answered(subchannel);
  const stream = request(subchannel);
  assert.equal(subchannel.openCalls, 1);
  owner.take();
  connection.goaway();
  assert.equal(subchannel.state, "idle");
  assert.equal(subchannel.hasRoom, false);
  assert.equal(request(subchannel), undefined);
  assert.deepEqual(owner.take(), ["goaway", "ready > idle"]);
  assert.deepEqual(owner.retired, ["goaway"]);
  assert.deepEqual(owner.failures, []);
  assert.equal(connection.closed, false);
  stream?.reset(8);
  assert.equal(connection.closed, true);
  hold.close();
});

test("a GOAWAY with an error is the reason that the owner hears", async () => {
  const all = setUp();
  const connection = await makeReady(all);
  answered(all.subchannel);
  connection.goaway(11, "too_many_pings");
  assert.match(all.owner.failures[0]?.message ?? "", /GOAWAY ENHANCE_YOUR_CALM/);
  all.hold.close();
});

test("a lost connection leaves in the same tick", async () => {
  const all = setUp();
  const connection = await makeReady(all);
  connection.lose();
  assert.equal(all.subchannel.hasRoom, false);
  assert.equal(request(all.subchannel), undefined);
  assert.equal(all.owner.failures[0]?.kind, "connection-lost");
  all.hold.close();
});

test("a GOAWAY in good order while a slow handler works is no failure: the next dial starts at once", async () => {
  const all = setUp();
  const { subchannel, connector, clock, owner, hold } = all;
  for (let i = 0; i < 20; i++) {
    const connection = await makeReady(all);
    const stream = request(subchannel) as FakeStream;
    const [live] = subchannel.connections;
    connection.goaway();
    assert.equal(subchannel.state, "idle");
    await clock.advance(5);
    live?.noteAnswer();
    stream.finish();
  }
  assert.deepEqual(owner.failures, []);
  // Not one of the twenty counts.
  subchannel.connect();
  connector.last.fail();
  await clock.advance(250);
  assert.equal(subchannel.state, "idle");
  hold.close();
});

test("a server that takes calls, says GOAWAY in good order and answers none is dialled on the backoff curve", async () => {
  const all = setUp();
  const { subchannel, clock, hold } = all;
  for (const wait of [0, 250, 400, 640]) {
    const connection = await makeReady(all);
    const stream = request(subchannel) as FakeStream;
    connection.goaway();
    stream.finish();
    if (wait > 0) {
      assert.equal(subchannel.state, "transient-failure");
      assert.equal(subchannel.lastFailure, undefined, "calls wait instead of failing fast");
      await clock.advance(wait - 1);
      assert.equal(subchannel.state, "transient-failure");
      await clock.advance(1);
    }
    assert.equal(subchannel.state, "idle");
  }
  hold.close();
});

test("a server that accepts and says GOAWAY in good order at once is dialled on the backoff curve, not in a loop", async () => {
  const all = setUp();
  const { subchannel, clock, connector, hold } = all;
  for (const wait of [250, 400, 640]) {
    const connection = await makeReady(all);
    connection.goaway();
    assert.equal(subchannel.state, "transient-failure");
    await clock.advance(wait - 1);
    assert.equal(subchannel.state, "transient-failure");
    await clock.advance(1);
    assert.equal(subchannel.state, "idle");
  }
  assert.equal(connector.dials.length, 3);
  hold.close();
});

test("a server that closes connections in good order after a second without a call is never backed away from", async () => {
  const all = setUp();
  const { subchannel, clock, hold } = all;
  for (let i = 0; i < 20; i++) {
    const connection = await makeReady(all);
    await clock.advance(1_000);
    connection.goaway();
    assert.equal(subchannel.state, "idle");
  }
  hold.close();
});

test("an answer on the connection that drains ends the wait for the next dial", async () => {
  const all = setUp();
  const { subchannel, connector, hold, clock } = all;
  for (let i = 0; i < 5; i++) {
    subchannel.connect();
    connector.last.fail();
    await clock.advance(10_000);
  }
  const connection = await makeReady(all);
  const stream = request(subchannel) as FakeStream;
  const [live] = subchannel.connections;
  connection.goaway();
  assert.equal(
    subchannel.state,
    "transient-failure",
    "nothing is known yet in favour of a backend that failed five times",
  );
  live?.noteAnswer();
  assert.equal(subchannel.state, "idle");
  stream.finish();
  assert.equal(clock.pending, 0);
  hold.close();
});

test("an answer on the connection that drains does not shorten the wait after a failed dial", async () => {
  const all = setUp();
  const { subchannel, connector, hold } = all;
  const connection = await makeReady(all);
  request(subchannel);
  const [live] = subchannel.connections;
  connection.goaway();
  subchannel.connect();
  connector.last.fail();
  await settle();
  live?.noteAnswer();
  assert.equal(subchannel.state, "transient-failure", "the server drains, and takes no new connections");
  hold.close();
});

test("calls that were given up on a drained connection are old news once its successor has answered", async () => {
  const all = setUp();
  const { subchannel, connector, clock, hold } = all;
  const elder = await makeReady(all);
  const abandoned = request(subchannel);
  elder.goaway();
  await clock.advance(1);
  const younger = await makeReady(all);
  answered(subchannel);
  abandoned?.reset(http2ErrorCode.cancel);
  younger.lose();
  subchannel.connect();
  connector.last.fail();
  await clock.advance(250);
  assert.equal(subchannel.state, "idle", "the first failure in a row");
  hold.close();
});

test("a connection that ended before it could serve counts as a failed dial and is closed", async () => {
  for (const end of ["goaway", "lose"] as const) {
    const { subchannel, connector, hold } = setUp();
    subchannel.connect();
    const connection = connector.last.succeed();
    connection[end]();
    await settle();
    assert.equal(subchannel.state, "transient-failure");
    assert.equal(connection.closed, true);
    hold.close();
  }
});

test("a connection that says GOAWAY before it could serve is closed, though its socket stays open", async () => {
  const { subchannel, connector, hold } = setUp();
  subchannel.connect();
  const connection = connector.last.succeed();
  // An open stream keeps the fake from closing by itself.
  connection.request({ path: "/x", fields: [] }, [], undefined, deafListener);
  connection.goaway();
  assert.equal(connection.closed, false);
  await settle();
  assert.equal(subchannel.state, "transient-failure");
  assert.equal(connection.closed, true);
  hold.close();
});

test("a server that allows no streams is not ready, and is dialled again with backoff", async () => {
  const { subchannel, connector, clock, hold } = setUp();
  subchannel.connect();
  const connection = connector.last.succeed(0);
  await settle();
  assert.equal(subchannel.state, "transient-failure");
  assert.equal(subchannel.lastFailure?.kind, "no-streams");
  assert.equal(connection.closed, true);
  assert.equal(clock.pending, 1);
  hold.close();
});

test("a server that stops to allow streams is left, and its open calls go on", async () => {
  const all = setUp();
  const { subchannel, owner, hold } = all;
  const connection = await makeReady(all);
  request(subchannel);
  connection.allow(0);
  assert.equal(subchannel.state, "transient-failure");
  assert.deepEqual(owner.retired, ["replaced"]);
  assert.equal(connection.closed, false);
  hold.close();
});

test("a limit lowered below the open calls takes no new call and cuts none", async () => {
  const all = setUp();
  const { subchannel, hold } = all;
  const connection = await makeReady(all);
  const streams = [request(subchannel), request(subchannel)];
  connection.allow(1);
  assert.equal(subchannel.hasRoom, false);
  streams[0]?.reset(8);
  assert.equal(subchannel.hasRoom, false);
  streams[1]?.reset(8);
  assert.equal(subchannel.hasRoom, true);
  assert.equal(connection.closed, false);
  hold.close();
});

test("without a call a failed dial is not repeated before the next call", async () => {
  const { subchannel, connector, clock, owner, hold } = setUp();
  subchannel.connect();
  connector.last.fail();
  hold.release();
  await clock.advance(60_000);
  subchannel.connect();
  assert.equal(subchannel.state, "transient-failure", "it shows why there is no connection");
  assert.equal(owner.rests, 1);
  assert.equal(connector.dials.length, 1);
  assert.equal(clock.pending, 0);
  subchannel.wake();
  assert.equal(subchannel.lastFailure, undefined, "the old failure is no news for the new call");
  subchannel.connect();
  assert.equal(connector.dials.length, 2);
  hold.close();
});

test("the backoff goes on growing over rests", async () => {
  const { subchannel, connector, clock, hold } = setUp();
  hold.release();
  for (const wait of [250, 400, 640]) {
    subchannel.connect();
    connector.last.fail();
    await clock.advance(wait - 1);
    assert.equal(subchannel.state, "transient-failure");
    await clock.advance(1);
    assert.equal(subchannel.wake(), true, "it rests");
    assert.equal(subchannel.state, "idle");
  }
  hold.close();
});

test("a connection without calls is closed after the idle timeout, and the next call brings a new one", async () => {
  const all = setUp(liveOptions({ idleConnectionTimeoutMs: 10_000 }));
  const { subchannel, clock, connector, owner, hold } = all;
  const connection = await makeReady(all);
  connection.answersPings = true;
  const stream = request(subchannel);
  await clock.advance(30_000);
  assert.equal(subchannel.state, "ready", "an open call is no idleness");
  stream?.reset(8);
  await clock.advance(9_000);
  assert.equal(subchannel.state, "ready");
  await clock.advance(2_000);
  assert.equal(subchannel.state, "idle");
  assert.equal(connection.closed, true);
  assert.equal(owner.rests, 1);
  subchannel.connect();
  assert.equal(connector.dials.length, 1);
  subchannel.wake();
  subchannel.connect();
  assert.equal(connector.dials.length, 2);
  hold.close();
});

test("replacing a connection for its age does not make an idle one young", async () => {
  const all = setUp(liveOptions({ idleConnectionTimeoutMs: 10_000 }));
  const { subchannel, clock, connector, hold } = all;
  await makeReady(all);
  for (let age = 0; age < 8_000; age += 4_000) {
    await clock.advance(4_000);
    renewEldest(subchannel);
    connector.last.succeed();
    await settle();
  }
  assert.equal(subchannel.state, "ready");
  await clock.advance(3_500);
  assert.equal(subchannel.state, "idle");
  assert.equal(connector.open.length, 0);
  hold.close();
});

test("the successor of a connection with an open call begins its idle time anew", async () => {
  const all = setUp(liveOptions({ idleConnectionTimeoutMs: 10_000 }));
  const { subchannel, clock, connector, hold } = all;
  await makeReady(all);
  // The call begins after the last look for idleness before the renewal.
  await clock.advance(7_500);
  const stream = request(subchannel);
  renewEldest(subchannel);
  connector.last.succeed();
  await settle();
  stream?.reset(http2ErrorCode.cancel);
  await clock.advance(9_500);
  assert.equal(subchannel.state, "ready");
  await clock.advance(1_000);
  assert.equal(subchannel.state, "idle");
  hold.close();
});

test("memory grows with each renewal: a connection that took another's place holds nothing of it", async () => {
  const all = setUp();
  const { subchannel, connector, owner, hold } = all;
  await makeReady(all);
  const eldest = new WeakRef(subchannel.connections[0] as LiveConnection);
  renewEldest(subchannel);
  connector.last.succeed();
  await settle();
  assert.equal(owner.retired.length, 1);
  // A socket that is open holds all of its own dial, and no other.
  connector.dials.shift();
  await heapInUseMb();
  assert.equal(eldest.deref(), undefined);
  assert.equal(subchannel.state, "ready");
  hold.close();
});

test("renew makes before it breaks", async () => {
  const all = setUp();
  const { subchannel, connector, owner, hold } = all;
  const elder = await makeReady(all);
  const stream = request(subchannel);
  owner.take();
  const outcomes: boolean[] = [];
  renewEldest(subchannel, (replaced) => outcomes.push(replaced));
  assert.equal(subchannel.hasRoom, true);
  request(subchannel);
  assert.equal(elder.openStreams, 2, "the elder serves until the successor is ready");
  const successor = connector.last.succeed();
  await settle();
  assert.deepEqual(outcomes, [true]);
  assert.deepEqual(owner.retired, ["max-age"]);
  assert.deepEqual(owner.take(), ["capacity"], "it stayed ready all the time, and has room for calls that wait");
  request(subchannel);
  assert.equal(successor.openStreams, 1);
  assert.equal(elder.closed, false);
  stream?.reset(8);
  assert.equal(elder.closed, false);
  hold.close();
});

test("a successor that cannot be dialled leaves the elder in service and is tried again later and later", async () => {
  const all = setUp();
  const { subchannel, connector, clock, owner, hold } = all;
  const elder = await makeReady(all);
  owner.take();
  const waits: number[] = [];
  for (let i = 0; i < 3; i++) {
    const outcomes: boolean[] = [];
    renewEldest(subchannel, (replaced) => outcomes.push(replaced));
    connector.last.fail();
    await settle();
    assert.deepEqual(outcomes, [false]);
    waits.push(Math.round((subchannel.connections[0]?.expiresAtMs ?? 0) - clock.now()));
  }
  assert.deepEqual(waits, [250, 400, 640]);
  assert.equal(subchannel.connections[0]?.connection, elder);
  assert.equal(subchannel.lastFailure, undefined);
  assert.deepEqual(owner.take(), []);
  hold.close();
});

test("only one successor is dialled at a time", async () => {
  const all = setUp();
  await makeReady(all);
  const outcomes: (string | boolean)[] = [];
  renewEldest(all.subchannel, (replaced) => outcomes.push("first", replaced));
  renewEldest(all.subchannel, (replaced) => outcomes.push("second", replaced));
  assert.deepEqual(outcomes, ["second", false]);
  assert.equal(all.connector.dials.length, 2);
  all.hold.close();
});

test("when the elder is lost, its successor being dialled becomes the reconnection", async () => {
  for (const outcome of ["succeeds", "fails"]) {
    const all = setUp();
    const { subchannel, connector, owner, hold } = all;
    const elder = await makeReady(all);
    answered(subchannel);
    const outcomes: boolean[] = [];
    renewEldest(subchannel, (replaced) => outcomes.push(replaced));
    owner.take();
    elder.lose();
    assert.equal(subchannel.state, "connecting");
    assert.deepEqual(outcomes, [false], "whoever waits for the renewal is told, once");
    assert.equal(connector.dials.length, 2);
    if (outcome === "succeeds") connector.last.succeed();
    else connector.last.fail();
    await settle();
    assert.equal(subchannel.state, outcome === "succeeds" ? "ready" : "transient-failure");
    assert.deepEqual(outcomes, [false]);
    hold.close();
  }
});

test("going idle gives a successor up", async () => {
  const all = setUp(liveOptions({ idleConnectionTimeoutMs: 10_000 }));
  const { subchannel, clock, connector, hold } = all;
  await makeReady(all);
  const outcomes: boolean[] = [];
  renewEldest(subchannel, (replaced) => outcomes.push(replaced));
  await clock.advance(11_000);
  assert.equal(subchannel.state, "idle");
  assert.deepEqual(outcomes, [false]);
  assert.equal(connector.last.givenUp, true);
  const late = connector.last.succeed();
  await settle();
  assert.equal(subchannel.state, "idle", "a late success changes nothing");
  assert.equal(late.closed, true);
  hold.close();
});

test("disconnect gives a dial up, lets a connection drain, and leaves a backend that can be dialled again at once", async () => {
  for (const before of ["connecting", "ready", "renewing"]) {
    const all = setUp();
    const { subchannel, connector, clock, owner, hold } = all;
    const outcomes: boolean[] = [];
    const elder = before === "connecting" ? undefined : await makeReady(all);
    if (before === "connecting") subchannel.connect();
    if (before === "renewing") renewEldest(subchannel, (replaced) => outcomes.push(replaced));
    const stream = request(subchannel);
    subchannel.disconnect();
    assert.equal(owner.take().at(-1), `${before === "renewing" ? "ready" : before} > idle`);
    assert.deepEqual(outcomes, before === "renewing" ? [false] : []);
    assert.deepEqual(owner.retired, elder === undefined ? [] : ["replaced"]);
    assert.equal(elder?.closed ?? false, false, "its call is open");
    stream?.reset(http2ErrorCode.cancel);
    const late = connector.last.settled ? undefined : connector.last.succeed();
    subchannel.connect();
    assert.equal(connector.pending.length, 1);
    connector.last.succeed();
    await settle();
    assert.equal(subchannel.state, "ready");
    assert.deepEqual(
      connector.open.map(({ number }) => number),
      [connector.last.number],
      "the one that came late is closed, and so is the elder",
    );
    assert.equal(late?.closed ?? true, true);
    subchannel.shutdown("closing");
    subchannel.disconnect();
    assert.equal(subchannel.state, "shutdown");
    await clock.advance(0);
    assert.equal(clock.pending, 0);
    hold.close();
  }
});

test("disconnect leaves a backend that waits out its backoff alone", async () => {
  const { subchannel, connector, hold } = setUp();
  subchannel.connect();
  connector.last.fail();
  await settle();
  subchannel.disconnect();
  assert.equal(subchannel.state, "transient-failure");
  hold.close();
});

test("shutdown is final in every state, and late inputs change nothing", async () => {
  for (const before of ["idle", "connecting", "ready", "renewing", "transient-failure"]) {
    for (const late of ["success", "failure"]) {
      const all = setUp();
      const { subchannel, connector, clock, owner, hold } = all;
      const outcomes: boolean[] = [];
      let elder: FakeConnection | undefined;
      if (before !== "idle") subchannel.connect();
      if (before === "transient-failure") connector.last.fail();
      if (before === "ready" || before === "renewing") elder = connector.last.succeed();
      await settle();
      if (before === "renewing") renewEldest(subchannel, (replaced) => outcomes.push(replaced));
      subchannel.shutdown("removed");
      subchannel.shutdown("removed");
      for (const dial of connector.dials.filter(({ settled }) => !settled)) {
        assert.equal(dial.givenUp, true);
        if (late === "success") dial.succeed();
        else dial.fail();
      }
      await settle();
      subchannel.connect();
      subchannel.wake();
      subchannel.connections[0]?.suspect();
      elder?.lose();
      await clock.advance(60_000);
      assert.equal(subchannel.state, "shutdown");
      assert.equal(owner.take().at(-1), `${before === "renewing" ? "ready" : before} > shutdown`);
      assert.equal(clock.pending, 0, `no timer is left after ${before}`);
      assert.equal(connector.open.length, 0);
      assert.deepEqual(outcomes, before === "renewing" ? [false] : []);
      hold.close();
    }
  }
});

test("a suspected backend that answers the PING keeps its connection", async () => {
  const all = setUp();
  const { subchannel, clock, owner, hold } = all;
  const connection = await makeReady(all);
  owner.take();
  for (let i = 0; i < 100; i++) subchannel.connections[0]?.suspect();
  assert.equal(connection.pings, 1, "100 suspicions at once are one PING");
  assert.deepEqual(owner.take(), ["suspect: deadline"]);
  connection.answerPing();
  await clock.advance(60_000);
  assert.equal(subchannel.connections[0]?.connection, connection);
  assert.deepEqual(owner.take(), ["cleared"]);
  hold.close();
});

test("a suspected backend that stays silent loses its connection, and its calls fail as Unavailable", async () => {
  const all = setUp();
  const { subchannel, clock, owner, hold } = all;
  const connection = await makeReady(all);
  const ends: (Failure | undefined)[] = [];
  subchannel.connectionWithRoom?.request({ path: "/x", fields: [] }, [], undefined, {
    ...deafListener,
    onClosed: (failure) => ends.push(failure),
  });
  answered(subchannel);
  subchannel.connections[0]?.suspect();
  await clock.advance(1_000);
  assert.equal(subchannel.state, "idle");
  assert.equal(connection.closed, true);
  assert.equal(ends[0]?.kind, "ping-timeout");
  assert.equal(owner.failures[0]?.kind, "ping-timeout");
  hold.close();
});

test("new connections ask as slowly as the servers have demanded", async () => {
  const keepalive = { pingIntervalMs: 10_000, pingIdleConnection: true, pingTimeoutMs: 1_000 };
  const all = setUp(liveOptions({ keepalive }));
  const { clock, conditions, hold } = all;
  conditions.minPingPaceMs = 40_000;
  const connection = await makeReady(all);
  await clock.advance(39_000);
  assert.equal(connection.pings, 0);
  await clock.advance(6_000);
  assert.equal(connection.pings, 1);
  hold.close();
});
