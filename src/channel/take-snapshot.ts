import type { ConnectivityState } from "../base/connectivity-state.ts";
import { type Failure, type FailureFact, factOf } from "../base/errors.ts";
import type { OpenCallCounts } from "../calls/open-calls.ts";
import { RetryBudget } from "../calls/retry/retry-budget.ts";
import type { CurrentRetryLimit } from "../calls/retry/retry-limit.ts";
import type { ConnectionCounters } from "../observe/connection-counters.ts";
import type { CallCounters } from "../observe/counters.ts";
import type { ResolverCounters } from "../observe/resolver-counters.ts";
import type { GlinkSnapshot, ResolutionSnapshot, RetryBudgetSnapshot } from "../observe/snapshot.ts";
import type { Pool } from "../pool/pool.ts";
import type { Clock } from "../runtime/clock.ts";
import { uniqueId } from "../runtime/unique-id.ts";
import { wallClockMs } from "../runtime/wall-clock.ts";
import { drainingSnapshot, subchannelSnapshot } from "./backend-snapshots.ts";
import { WallTime } from "./wall-time.ts";

/** What of a snapshot is the same at every moment. */
export type SnapshotNames = Pick<
  GlinkSnapshot,
  "target" | "grpcTarget" | "protocol" | "resolver" | "loadBalancing" | "engine" | "engineChosenBy" | "proxy"
>;

/** What a snapshot is taken of. Nothing here leads to a call, nor to whoever may make one. */
export interface SnapshotSources {
  readonly names: SnapshotNames;
  readonly pool: Pool;
  readonly openCalls: OpenCallCounts;
  readonly counters: {
    readonly calls: CallCounters;
    readonly connections: ConnectionCounters;
    readonly resolver: ResolverCounters;
  };
  readonly retryLimit: CurrentRetryLimit;
  readonly clock: Clock;
}

/** Takes snapshots of one channel. Whoever keeps it keeps neither the channel nor its calls. */
export class Snapshots {
  /** The channel was closed, or is being closed. */
  isClosed = false;
  readonly #id: number = uniqueId();
  readonly #createdAtMs: number = wallClockMs();
  readonly #sources: SnapshotSources;

  constructor(sources: SnapshotSources) {
    this.#sources = sources;
  }

  take(): GlinkSnapshot {
    const { names, pool, openCalls, counters, retryLimit, clock } = this.#sources;
    const time = new WallTime(clock);
    const subchannels = pool.subchannels.map((one) =>
      subchannelSnapshot(
        one,
        { stale: pool.isStale(one), policy: pool.policyFactsOf(one), leftOut: pool.leftOut(one) },
        time,
      ),
    );
    const state = this.#stateOf(subchannels.map(({ state }) => state));
    return {
      schema: 1,
      id: this.#id,
      createdAtMs: this.#createdAtMs,
      takenAtMs: time.nowMs,
      ...names,
      state,
      subchannels,
      ...pool.availability,
      draining: [...pool.draining].map((draining) => drainingSnapshot(draining, time)),
      openCalls: openCalls.open,
      queuedCalls: pool.queuedCalls,
      callsStarted: openCalls.started,
      calls: counters.calls.read(),
      connections: counters.connections.read(),
      lookups: counters.resolver.read(),
      resolution: resolutionSnapshot(pool, time),
      retryBudget: retryBudgetSnapshot(retryLimit),
      lastError: state === "ready" ? undefined : factIfAny(pool.lastFailure),
    };
  }

  #stateOf(backends: readonly ConnectivityState[]): ConnectivityState {
    const { pool } = this.#sources;
    if (this.isClosed) return "shutdown";
    if (backends.length > 0) return aggregateState(backends);
    if (!pool.started) return "idle";
    // As gRPC has it: a name without an answer is a failure, and one that is being looked up is on its way.
    return pool.lastFailure === undefined ? "connecting" : "transient-failure";
  }
}

function resolutionSnapshot(pool: Pool, time: WallTime): ResolutionSnapshot {
  const { lastSuccessMs, lastFailureMs, failure, nextLookupMs } = pool.resolution;
  return {
    lastSuccessAtMs: time.at(lastSuccessMs),
    lastFailureAtMs: time.at(lastFailureMs),
    lastError: factIfAny(failure),
    nextLookupAtMs: time.at(nextLookupMs),
  };
}

function retryBudgetSnapshot({ current }: CurrentRetryLimit): RetryBudgetSnapshot | undefined {
  if (!(current instanceof RetryBudget)) return undefined;
  const { allowed, used } = current.use;
  return { available: Math.max(0, Math.floor(allowed - used)), used, allowed: Math.floor(allowed) };
}

function factIfAny(failure: Failure | undefined): FailureFact | undefined {
  return failure === undefined ? undefined : factOf(failure);
}

/** gRPC's aggregation of many states into one. */
function aggregateState(states: readonly ConnectivityState[]): ConnectivityState {
  if (states.includes("ready")) return "ready";
  if (states.includes("connecting")) return "connecting";
  if (states.includes("transient-failure")) return "transient-failure";
  return "idle";
}
