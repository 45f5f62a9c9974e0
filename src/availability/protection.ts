import type { Events } from "../observe/events.ts";
import type { Runtime } from "../runtime/runtime.ts";
import type { PoolTally } from "../subchannel/backend-record.ts";
import type { LiveConnection } from "../subchannel/live-connection.ts";
import type { SuspectReason } from "../subchannel/live-connection-listener.ts";
import type { Subchannel } from "../subchannel/subchannel.ts";
import type { FailedCall } from "../subchannel/subchannel-listener.ts";
import type { AvailabilitySettings } from "./availability-options.ts";
import { Outliers } from "./outliers.ts";
import { ReadyBackends } from "./ready-backends.ts";
import { Suspects } from "./suspects.ts";

/** What protection works with. */
export interface ProtectionContext {
  readonly settings: AvailabilitySettings;
  readonly runtime: Runtime;
  readonly events: Events;
  readonly tally: PoolTally;
  /** All backends of the pool, connected or not. */
  readonly backends: () => readonly Subchannel[];
}

/** Told of what protection decides: the backends of the pool. */
export interface ProtectionListener {
  /** What policies see of it is another: its availability, or its weight. */
  onChanged(subchannel: Subchannel): void;
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

  constructor(context: ProtectionContext, listener: ProtectionListener) {
    const { settings, runtime, events } = context;
    const { panicThreshold, outlierDetection } = settings;
    this.#listener = listener;
    this.ready = new ReadyBackends(panicThreshold, {
      onPanicBegan: (facts) => {
        if (events.active) events.publish({ type: "panic-began", ...facts });
      },
      onPanicEnded: (facts) => {
        if (events.active) events.publish({ type: "panic-ended", ...facts });
      },
    });
    this.#suspects = new Suspects(runtime.clock, events, (subchannel) => this.#changed(subchannel));
    if (outlierDetection === false) return;
    const canSpare = (subchannel: Subchannel) => this.ready.canSpare(subchannel);
    this.#outliers = new Outliers(
      outlierDetection,
      { ...context, canSpare },
      {
        onChanged: (subchannel) => this.#changed(subchannel),
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

  /** A connection came into service. */
  entered(subchannel: Subchannel): void {
    this.#suspects.entered(subchannel);
  }

  /** A connection is out of service. */
  left(subchannel: Subchannel, live: LiveConnection): void {
    this.#suspects.left(subchannel, live);
  }

  /** A backend has left the pool. */
  removed(subchannel: Subchannel): void {
    this.#outliers?.removed(subchannel);
  }

  close(): void {
    this.#suspects.close();
    this.#outliers?.close();
  }

  #changed(subchannel: Subchannel): void {
    // At once: the next decision counts on it.
    this.ready.update([subchannel]);
    this.#listener.onChanged(subchannel);
  }
}
