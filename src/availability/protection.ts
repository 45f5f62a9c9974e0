import type { Events } from "../observe/events.ts";
import type { Runtime } from "../runtime/runtime.ts";
import type { PoolTally } from "../subchannel/backend-record.ts";
import type { LiveConnection } from "../subchannel/live-connection.ts";
import type { SuspectReason } from "../subchannel/live-connection-listener.ts";
import type { PinnedCalls } from "../subchannel/pinned-calls.ts";
import type { Subchannel } from "../subchannel/subchannel.ts";
import type { FailedCall } from "../subchannel/subchannel-listener.ts";
import type { AvailabilitySettings } from "./availability-options.ts";
import { HealthChecks } from "./health-checks.ts";
import type { LeftOutFacts } from "./left-out.ts";
import { Outliers } from "./outliers.ts";
import { ReadyBackends } from "./ready-backends.ts";
import { SlowStart } from "./slow-start.ts";
import { Suspects } from "./suspects.ts";

/** What protection works with. */
export interface ProtectionContext {
  readonly settings: AvailabilitySettings;
  readonly runtime: Runtime;
  readonly events: Events;
  readonly tally: PoolTally;
  readonly pinnedCalls: PinnedCalls;
  /** All backends of the pool, connected or not. */
  readonly backends: () => readonly Subchannel[];
}

/** Told of what protection decides: the backends of the pool. */
export interface ProtectionListener {
  /** What policies see of it is another: its availability, or its weight. `atOnce`: calls may wait for it. */
  onChanged(subchannel: Subchannel, atOnce: boolean): void;
  /** It takes a call again. */
  onRoom(subchannel: Subchannel): void;
}

/** Keeps calls away from backends that would not serve them: puts together what is known of each, and who may be used. */
export class Protection {
  /** Those that calls may go to. */
  readonly ready: ReadyBackends;
  readonly #listener: ProtectionListener;
  readonly #suspects: Suspects;
  readonly #outliers: Outliers | undefined;
  readonly #health: HealthChecks | undefined;
  readonly #slowStart: SlowStart;
  /** Backends that calls may go to of their own right. */
  readonly #inUse = new Set<Subchannel>();

  constructor(context: ProtectionContext, listener: ProtectionListener) {
    const { settings, runtime, events } = context;
    const { panicThreshold, outlierDetection, healthCheck, slowStartMs } = settings;
    this.#listener = listener;
    this.ready = new ReadyBackends(
      panicThreshold,
      {
        onPanicBegan: (facts) => {
          if (events.active) events.publish({ type: "panic-began", ...facts });
        },
        onPanicEnded: (facts) => {
          if (events.active) events.publish({ type: "panic-ended", ...facts });
        },
      },
      (backend) => this.#health?.isAwaited(backend) === true,
    );
    const onChanged = (subchannel: Subchannel) => this.#changed(subchannel);
    this.#slowStart = new SlowStart(slowStartMs, runtime.clock, { onChanged });
    if (healthCheck !== undefined) this.#health = new HealthChecks(healthCheck, context, { onChanged });
    this.#suspects = new Suspects(runtime.clock, events, onChanged);
    if (outlierDetection === false) return;
    const canSpare = (subchannel: Subchannel) => this.ready.canSpare(subchannel);
    this.#outliers = new Outliers(
      outlierDetection,
      { ...context, canSpare, othersServe: () => this.ready.list.length > 1 },
      {
        onChanged,
        onFull: (subchannel) => this.ready.roomChanged(subchannel),
        onRoom: (subchannel) => listener.onRoom(subchannel),
      },
    );
  }

  /** A connection is asked by PING whether its peer lives. */
  suspected(subchannel: Subchannel, live: LiveConnection, reason: SuspectReason): void {
    this.#suspects.asked(subchannel, live, reason);
  }

  /** A call timed out on a connection, and no PING may ask now. */
  unanswered(subchannel: Subchannel, live: LiveConnection): void {
    this.#suspects.unanswered(subchannel, live);
  }

  /** The peer of a connection answered. */
  cleared(live: LiveConnection): void {
    this.#suspects.cleared(live);
  }

  callFailed(call: FailedCall<Subchannel>): void {
    this.#outliers?.failed(call);
  }

  /** A connection came into service, in place of `elder` if there is one. */
  entered(subchannel: Subchannel, live: LiveConnection, elder: LiveConnection | undefined): void {
    this.#suspects.entered(subchannel);
    this.#health?.entered(subchannel, live, elder);
  }

  /** A connection is out of service. */
  left(subchannel: Subchannel, live: LiveConnection): void {
    this.#suspects.left(subchannel, live);
    this.#health?.left(subchannel, live);
  }

  /** It is connected, and where it is asked for its health it says that it serves. */
  serves(subchannel: Subchannel): boolean {
    const { state, availability } = subchannel;
    return state === "ready" && availability !== "unhealthy" && this.#health?.isAwaited(subchannel) !== true;
  }

  /** The state or the availability of a backend has changed. */
  review(subchannel: Subchannel): void {
    const { state, availability } = subchannel;
    const isUsed = state === "ready" && availability !== "unhealthy" && availability !== "ejected";
    if (isUsed === this.#inUse.has(subchannel)) return;
    if (isUsed) {
      this.#inUse.add(subchannel);
      this.#slowStart.began(subchannel);
    } else {
      this.#inUse.delete(subchannel);
      this.#slowStart.ended(subchannel);
    }
  }

  /** A backend has left the pool. */
  removed(subchannel: Subchannel): void {
    this.#outliers?.removed(subchannel);
  }

  /** Why a backend is not used like any other. Undefined: it is, or it is not connected. */
  factsOf(subchannel: Subchannel): LeftOutFacts | undefined {
    const ejection = this.#outliers?.factsOf(subchannel);
    if (ejection !== undefined) return ejection;
    const sinceMs = this.#health?.unhealthySinceMs(subchannel) ?? this.#suspects.sinceMs(subchannel);
    return sinceMs === undefined ? undefined : { sinceMs, untilMs: undefined, ejections: 0 };
  }

  close(): void {
    this.#suspects.close();
    this.#outliers?.close();
    this.#health?.close();
    this.#slowStart.close();
  }

  #changed(subchannel: Subchannel): void {
    this.review(subchannel);
    const callsWait = this.ready.list.length === 0;
    // At once: the next decision counts on it.
    this.ready.update([subchannel]);
    this.#listener.onChanged(subchannel, callsWait);
  }
}
