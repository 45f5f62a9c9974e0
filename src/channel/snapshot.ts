import type { LeftOutFacts } from "../availability/left-out.ts";
import type { ConnectivityState } from "../base/connectivity-state.ts";
import { type FailureFact, factOf } from "../base/errors.ts";
import type { OpenCalls } from "../calls/open-calls.ts";
import type { CallCounters, CallCounts } from "../observe/counters.ts";
import type { Pool } from "../pool/pool.ts";
import type { Clock } from "../runtime/clock.ts";
import type { Availability } from "../subchannel/backend.ts";

/** One connection in service at one moment. */
export interface ConnectionSnapshot {
  readonly ageMs: number;
  readonly openCalls: number;
  /** Attempts that got a stream on it. */
  readonly callsStarted: number;
  readonly availability: Availability;
}

/** A backend that is a suspect, unhealthy, ejected or on probation. */
export interface LeftOutSnapshot {
  readonly forMs: number;
  /** When its ejection is over; undefined: an answer ends it, or its own word. */
  readonly endsInMs: number | undefined;
  /** Ejections in short order. 0: it is not ejected. */
  readonly ejections: number;
}

/** One backend at one moment. */
export interface SubchannelSnapshot {
  readonly address: string;
  readonly state: ConnectivityState;
  /** Apart from connectivity: docs/availability.md. */
  readonly availability: Availability;
  /** Why it is not used like any other; undefined: it is, or it is not connected. */
  readonly leftOut: LeftOutSnapshot | undefined;
  /** Its share of calls, relative to the others' shares, where the policy heeds it. */
  readonly weight: number;
  /** Age of the eldest connection in service; undefined without one. */
  readonly connectionAgeMs: number | undefined;
  /** Connections in service, the eldest first. */
  readonly connections: readonly ConnectionSnapshot[];
  readonly openCalls: number;
  /** Attempts sent here since the address appeared. */
  readonly callsStarted: number;
  readonly callsFailed: number;
  /** Why the last dial failed; undefined once it works. */
  readonly lastError: FailureFact | undefined;
  /** Why the connection in service could not be replaced before it grew old; undefined once it was. */
  readonly lastRenewalError: FailureFact | undefined;
}

/** A transport at one moment, as plain data. */
export interface GlinkSnapshot {
  /** Counts up when a field changes its meaning or goes; new fields may come at any time. */
  readonly schema: 1;
  /** The base URL. */
  readonly target: string;
  readonly resolver: string;
  readonly loadBalancing: string;
  /** The HTTP/2 engine. */
  readonly engine: "node" | "wire";
  /** The options that only node:http2 can serve, and that made it the engine by that. */
  readonly engineChosenBy: readonly string[];
  /** As gRPC aggregates it: ready if one backend is, else connecting if one may become it, else transient-failure. */
  readonly state: ConnectivityState;
  readonly subchannels: readonly SubchannelSnapshot[];
  /** Too few backends are usable: calls go to all that are connected (`panicThreshold`). */
  readonly panic: boolean;
  /** Retired connections that wait for their last call. */
  readonly draining: readonly { readonly address: string; readonly openCalls: number }[];
  readonly openCalls: number;
  readonly queuedCalls: number;
  readonly callsStarted: number;
  /** Counts of calls, attempts and messages since the transport was made. Those of interceptors' own calls are in it. */
  readonly calls: CallCounts;
  /** The newest reason why no backend is ready; undefined while all is well. */
  readonly lastError: FailureFact | undefined;
}

/** What of a snapshot is the same at every moment. */
export type SnapshotNames = Pick<GlinkSnapshot, "target" | "resolver" | "loadBalancing" | "engine" | "engineChosenBy">;

/** What a snapshot is taken of. */
export interface SnapshotParts {
  readonly names: SnapshotNames;
  readonly pool: Pool;
  readonly openCalls: OpenCalls;
  readonly counters: CallCounters;
  readonly clock: Clock;
  readonly isClosed: boolean;
}

export function snapshotOf(source: SnapshotParts): GlinkSnapshot {
  const { names, pool, openCalls } = source;
  const { target, resolver, loadBalancing, engine, engineChosenBy } = names;
  const subchannels = subchannelSnapshots(source);
  const state = stateOf(source, subchannels);
  const { lastFailure } = pool;
  return {
    schema: 1,
    target,
    resolver,
    loadBalancing,
    engine,
    engineChosenBy,
    state,
    subchannels,
    panic: pool.panics,
    draining: [...pool.draining],
    openCalls: openCalls.size,
    queuedCalls: pool.queuedCalls,
    callsStarted: openCalls.started,
    calls: source.counters.read(),
    lastError: lastFailure === undefined || state === "ready" ? undefined : factOf(lastFailure),
  };
}

function stateOf({ pool, isClosed }: SnapshotParts, subchannels: readonly SubchannelSnapshot[]): ConnectivityState {
  if (isClosed) return "shutdown";
  if (subchannels.length > 0) return aggregateState(subchannels.map(({ state }) => state));
  if (!pool.started) return "idle";
  // As gRPC has it: a name without an answer is a failure, and one that is being looked up is on its way.
  return pool.lastFailure === undefined ? "connecting" : "transient-failure";
}

function subchannelSnapshots({ pool, clock }: SnapshotParts): SubchannelSnapshot[] {
  return pool.subchannels.map((subchannel) => {
    const { id, state, availability, weight, openCalls, record } = subchannel;
    const connections = subchannel.connectionFacts.map(({ readySinceMs, ...facts }) => ({
      ageMs: Math.round(clock.now() - readySinceMs),
      ...facts,
    }));
    const { lastFailure, lastRenewalFailure } = subchannel;
    return {
      address: id,
      state,
      availability,
      leftOut: leftOutSnapshot(pool.leftOut(subchannel), clock.now()),
      weight,
      connectionAgeMs: connections[0]?.ageMs,
      connections,
      openCalls,
      callsStarted: record.callsStarted,
      callsFailed: record.callsFailed,
      lastError: lastFailure === undefined ? undefined : factOf(lastFailure),
      lastRenewalError: lastRenewalFailure === undefined ? undefined : factOf(lastRenewalFailure),
    };
  });
}

function leftOutSnapshot(facts: LeftOutFacts | undefined, nowMs: number): LeftOutSnapshot | undefined {
  if (facts === undefined) return undefined;
  const { sinceMs, untilMs, ejections } = facts;
  const endsInMs = untilMs === undefined ? undefined : Math.round(untilMs - nowMs);
  return { forMs: Math.round(nowMs - sinceMs), endsInMs, ejections };
}

/** gRPC's aggregation of many states into one. */
function aggregateState(states: readonly ConnectivityState[]): ConnectivityState {
  if (states.includes("ready")) return "ready";
  if (states.includes("connecting")) return "connecting";
  if (states.includes("transient-failure")) return "transient-failure";
  return "idle";
}
