// Whatever happens to a backend, in whatever order: it goes by the arrows of the diagram in connectivity.ts and by no others,
// each for its own reasons.
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import type { ConnectivityState } from "../../../src/base/connectivity-state.ts";
import { endpointOf } from "../../../src/endpoint/endpoint.ts";
import { http2ErrorCode } from "../../../src/http2/error-codes.ts";
import { emptyTally } from "../../../src/subchannel/backend-record.ts";
import { connectionBeats } from "../../../src/subchannel/connection-beats.ts";
import type { LiveConnection } from "../../../src/subchannel/live-connection.ts";
import { Subchannel } from "../../../src/subchannel/subchannel.ts";
import type { PoolConditions } from "../../../src/subchannel/subchannel-context.ts";
import { deafListener, type FakeConnection, FakeConnector } from "../../support/fake-connector.ts";
import { addressOf, subchannelOptions } from "../../support/fake-pool.ts";
import { ManualClock, settle } from "../../support/manual-clock.ts";
import { QuietHold } from "../../support/quiet-hold.ts";

type Arrow = `${ConnectivityState} > ${ConnectivityState}`;

const lost: readonly Arrow[] = ["ready > connecting", "ready > transient-failure", "ready > idle"];

/** The diagram: each thing that may happen, and the arrows that it may lead by. */
const arrows = {
  connect: ["idle > connecting"],
  "a dial succeeds": ["connecting > ready"],
  "a dial fails": ["connecting > transient-failure"],
  "a connection is lost": lost,
  "a GOAWAY in good order": lost,
  "a GOAWAY with an error": lost,
  "no streams any more": lost,
  "a call begins": [],
  // What a connection that was sent away answers last may prove that nothing failed.
  "a call is answered": ["transient-failure > idle"],
  "a call is reset": [],
  "a connection is renewed": [],
  // Idle connections are closed, and PINGs that are not answered end others.
  "a while passes": ["transient-failure > idle", ...lost],
  disconnect: ["connecting > idle", "ready > idle"],
  "nobody calls": [],
  "somebody calls": ["transient-failure > idle"],
  shutdown: (["idle", "connecting", "ready", "transient-failure"] as const).map((from): Arrow => `${from} > shutdown`),
} as const satisfies Record<string, readonly Arrow[]>;

type Happening = keyof typeof arrows;

const live = {
  keepalive: { pingIntervalMs: 20_000, pingIdleConnection: false, pingTimeoutMs: 1_000 },
  idleConnectionTimeoutMs: 30_000,
};

class World {
  readonly clock = new ManualClock();
  readonly hold = new QuietHold();
  readonly connector = new FakeConnector();
  readonly conditions: PoolConditions & { resting: boolean } = {
    minPingPaceMs: 0,
    resting: false,
    tally: emptyTally(),
    beats: connectionBeats(live, this.clock),
  };
  readonly subchannel: Subchannel;
  readonly retired: FakeConnection[] = [];
  #steps: Arrow[] = [];
  #inService = new Set<LiveConnection>();

  constructor(connections: { min: number; max: number }) {
    const options = subchannelOptions(this.connector, this.clock, this.hold, {
      connections,
      live,
    });
    this.hold.acquire();
    const ignore = () => undefined;
    this.subchannel = new Subchannel(endpointOf(addressOf("10.0.0.1")), options, this.conditions, {
      onStateChanged: ({ state }, from) => this.#steps.push(`${from} > ${state}`),
      onEntered: (_, live) => this.#inService.add(live),
      onLeft: (_, live) => assert.ok(this.#inService.delete(live), "a connection leaves once"),
      onRetired: (_, live) => {
        this.retired.push(live.connection as FakeConnection);
        live.connection.drain();
      },
      onCapacity: ignore,
      onFull: ignore,
      onUnanswered: ignore,
      onCleared: ignore,
      onCallFailed: ignore,
      onRenewalFailed: ignore,
      onSuspected: ignore,
      onTooManyPings: ignore,
      onGoaway: ignore,
      onResting: () => {
        this.conditions.resting = true;
      },
    });
  }

  /** Of the connections that are open, or the streams on them, one; which, `choice` says. */
  one<T>(all: readonly T[], choice: number): T | undefined {
    return all[choice % Math.max(1, all.length)];
  }

  async happen(what: Happening, choice: number): Promise<void> {
    const connection = this.one(this.connector.open, choice);
    const stream = this.one([...(connection?.streams ?? [])], choice);
    switch (what) {
      case "connect":
        this.subchannel.connect();
        break;
      case "a dial succeeds":
        this.one(this.connector.pending, choice)?.succeed(1 + (choice % 3));
        break;
      case "a dial fails":
        this.one(this.connector.pending, choice)?.fail();
        break;
      case "a connection is lost":
        connection?.lose();
        break;
      case "a GOAWAY in good order":
        connection?.goaway();
        break;
      case "a GOAWAY with an error":
        connection?.goaway(http2ErrorCode.internalError);
        break;
      case "no streams any more":
        connection?.allow(0);
        break;
      case "a call begins":
        this.subchannel.connectionWithRoom?.request({ path: "/x", fields: [] }, [], undefined, deafListener);
        break;
      case "a call is answered":
        this.subchannel.connections.find((live) => live.connection === connection)?.noteAnswer();
        stream?.finish();
        break;
      case "a call is reset":
        stream?.reset();
        break;
      case "a connection is renewed": {
        const live = this.one(this.subchannel.connections, choice);
        if (live !== undefined) this.subchannel.renew(live, () => undefined);
        break;
      }
      case "a while passes":
        // Less than any backoff, a backoff, and more than any wait here.
        await this.clock.advance([100, 12_000, 60_000][choice % 3] as number);
        break;
      case "disconnect":
        this.subchannel.disconnect();
        break;
      case "nobody calls":
        if (this.hold.held) this.hold.release();
        break;
      case "somebody calls":
        if (!this.hold.held) this.hold.acquire();
        this.conditions.resting = false;
        this.subchannel.wake();
        break;
      case "shutdown":
        this.subchannel.shutdown("removed");
        break;
    }
    await settle();
  }

  /** The arrows since the last look; and what holds in every state does. */
  look(): Arrow[] {
    const { state, connections } = this.subchannel;
    assert.equal(connections.length > 0, state === "ready", `${connections.length} connections in the state ${state}`);
    assert.deepEqual(new Set(connections), this.#inService);
    const dials = this.connector.pending.length;
    if (state === "connecting") assert.equal(dials, 1);
    else if (state !== "ready") assert.equal(dials, 0, `a dial in the state ${state}`);
    for (const { connection } of connections) assert.ok(!(connection as FakeConnection).closed);
    return this.#steps.splice(0);
  }

  /** Everything is let go, and nothing is left. */
  async end(): Promise<void> {
    await this.happen("shutdown", 0);
    for (const connection of this.connector.open) for (const stream of [...connection.streams]) stream.finish();
    await settle();
    assert.deepEqual(this.connector.open, []);
    assert.equal(this.clock.pending, 0);
    this.hold.close();
  }
}

const names = Object.keys(arrows) as Happening[];
const usual = names.filter((name) => name !== "shutdown");
const happening = fc.oneof(
  // Much of it needs a connection, or calls.
  { weight: 3, arbitrary: fc.constantFrom<Happening>("connect", "a dial succeeds", "a call begins") },
  { weight: 6, arbitrary: fc.constantFrom(...usual) },
);
const story = fc.array(fc.tuple(happening, fc.nat(11)), { minLength: 10, maxLength: 40 });

test("a backend goes by the arrows of its diagram, each for its own reasons, and leaves nothing behind", async () => {
  const taken = new Set<Arrow>();
  const property = fc.asyncProperty(story, fc.constantFrom(1, 3), async (happenings, max) => {
    const world = new World({ min: 1, max });
    for (const [what, choice] of happenings) {
      await world.happen(what, choice);
      for (const arrow of world.look()) {
        const allowed: readonly Arrow[] = arrows[what];
        assert.ok(allowed.includes(arrow), `${arrow} when ${what}`);
        taken.add(arrow);
      }
    }
    await world.end();
    for (const arrow of world.look()) taken.add(arrow);
    // It is final.
    for (const what of usual) await world.happen(what, 0);
    assert.deepEqual([world.look(), world.connector.pending], [[], []]);
  });
  await fc.assert(property, { numRuns: 60, seed: 18 });
  // A diagram of which nothing is ever used would hold too.
  assert.deepEqual([...taken].sort(), [...new Set<Arrow>(Object.values(arrows).flat())].sort());
});
