import { type Failure, factOf } from "../base/errors.ts";
import type { Events } from "../observe/events.ts";
import { beatBefore } from "../runtime/beat.ts";
import type { Clock, TimerHandle } from "../runtime/clock.ts";
import type { LiveConnection } from "../subchannel/live-connection.ts";
import type { Subchannel } from "../subchannel/subchannel.ts";

/** After a connection could not be replaced, the next one that is due is looked for after this. */
const ageRecheckMs = 1_000;

/** A look at the ages visits all backends: so much time lies between two of them for each. */
const lookPaceMsPerBackend = 0.01;

/** At most this share of the connections is being replaced at any time, and at least one. */
const renewalShare = 0.05;

/**
 * Connections of one backend are replaced at beats of this share of their age, which pools of few share: dials of those that
 * nobody calls wake the process together. Of many backends that much more often, or many would be replaced at once.
 */
const beatShare = 0.1;

/** The backends that are rotated. */
export interface RotatedBackends extends Iterable<Subchannel> {
  readonly size: number;
}

/** Told by a rotation. */
export interface RotationListener {
  /** A backend takes no new connections: it may be gone from DNS. */
  onNotReplaced(): void;
}

/** A connection that has reached its age. */
interface Due {
  readonly subchannel: Subchannel;
  readonly live: LiveConnection;
}

/**
 * Replaces connections before they grow old. One at a time, so that a pool never is without more than one of them;
 * several where there are many, or they would not all have their turn, and one backend that does not answer the dial
 * would hold up all others.
 */
export class Rotation {
  readonly #clock: Clock;
  readonly #events: Events;
  readonly #maxAgeMs: number;
  readonly #backends: RotatedBackends;
  readonly #listener: RotationListener;
  #ageTimer: TimerHandle | undefined;
  #ageDueMs: number = Number.POSITIVE_INFINITY;
  #lookedMs = Number.NEGATIVE_INFINITY;
  #renewing = 0;
  /** Some were due at the last look and had to wait for their turn. */
  #someWait = false;
  /** Connections that could not be replaced when that was last tried, and go on. */
  readonly #notRenewed = new Set<LiveConnection>();
  #stopped = false;

  /** `maxAgeMs`: of a connection, about; `Infinity`: none grows old. */
  constructor(
    { clock, events, maxAgeMs }: { readonly clock: Clock; readonly events: Events; readonly maxAgeMs: number },
    backends: RotatedBackends,
    listener: RotationListener,
  ) {
    this.#clock = clock;
    this.#events = events;
    this.#maxAgeMs = maxAgeMs;
    this.#backends = backends;
    this.#listener = listener;
  }

  /** A connection came into service: it has an age to watch. */
  entered(live: LiveConnection): void {
    if (this.#stopped || this.#maxAgeMs === Number.POSITIVE_INFINITY) return;
    const beatMs = (beatShare * this.#maxAgeMs) / this.#backends.size;
    live.expiresAtMs = beatBefore(live.expiresAtMs, beatMs);
    if (live.expiresAtMs < this.#ageDueMs) this.#lookAt(live.expiresAtMs);
  }

  /** A connection could not be replaced. It goes on, and says when it is to be tried again. */
  failed(subchannel: Subchannel, live: LiveConnection, failure: Failure): void {
    const first = this.#notRenewed.size === 0;
    this.#notRenewed.add(live);
    if (!this.#events.active) return;
    this.#events.publish({ type: "renewal-failed", address: subchannel.id, error: factOf(failure), first });
  }

  /** The connection is out of service: replaced, or lost. */
  left(live: LiveConnection): void {
    this.#notRenewed.delete(live);
  }

  stop(): void {
    this.#stopped = true;
    this.#clock.clearTimeout(this.#ageTimer);
  }

  /** Looks at the ages again at `dueMs`, in clock time. */
  #lookAt(dueMs: number): void {
    const clock = this.#clock;
    clock.clearTimeout(this.#ageTimer);
    this.#ageTimer = undefined;
    this.#ageDueMs = dueMs;
    if (dueMs === Number.POSITIVE_INFINITY) return;
    const paceMs = this.#backends.size * lookPaceMsPerBackend;
    const atMs = Math.max(dueMs, this.#lookedMs + paceMs);
    this.#ageTimer = clock.setTimeout(() => this.#renewDue(), Math.max(0, atMs - clock.now()));
  }

  /** Replaces as many of those that are due as may be at a time, the eldest first, and waits for the next. */
  #renewDue(): void {
    const nowMs = this.#clock.now();
    this.#lookedMs = nowMs;
    const due: Due[] = [];
    let nextMs = Number.POSITIVE_INFINITY;
    for (const subchannel of this.#backends) {
      for (const live of subchannel.connections) {
        if (subchannel.isRenewing(live)) continue;
        if (live.expiresAtMs <= nowMs) due.push({ subchannel, live });
        else nextMs = Math.min(nextMs, live.expiresAtMs);
      }
    }
    this.#lookAt(nextMs);
    due.sort((a, b) => a.live.expiresAtMs - b.live.expiresAtMs);
    const mayBegin = Math.max(1, Math.floor(this.#backends.size * renewalShare)) - this.#renewing;
    this.#someWait = due.length > mayBegin;
    for (const { subchannel, live } of due.slice(0, Math.max(0, mayBegin))) {
      this.#renewing++;
      subchannel.renew(live, (replaced) => this.#renewed(replaced));
    }
  }

  #renewed(replaced: boolean): void {
    this.#renewing--;
    if (this.#stopped) return;
    const nowMs = this.#clock.now();
    if (!replaced) {
      this.#listener.onNotReplaced();
      this.#lookAt(Math.min(this.#ageDueMs, nowMs + ageRecheckMs));
    } else if (this.#someWait) {
      this.#lookAt(nowMs);
    }
  }
}
