import { type Failure, factOf } from "../base/errors.ts";
import type { Events } from "../observe/events.ts";
import type { Clock, TimerHandle } from "../runtime/clock.ts";
import type { LiveConnection } from "../subchannel/live-connection.ts";
import type { Subchannel } from "../subchannel/subchannel.ts";

/** After a connection could not be replaced, the next one that is due is looked for after this. */
const ageRecheckMs = 1_000;

/** A look at the ages visits all backends: so much time lies between two of them for each. */
const lookPaceMsPerBackend = 0.01;

/** At most this share of the connections is being replaced at any time, and at least one. */
const renewalShare = 0.05;

/** The pool, as its rotation sees it. */
export interface RotatedPool {
  backends(): readonly Subchannel[];
  /** Asks the resolver again. */
  refresh(): void;
}

/**
 * Replaces connections before they grow old. One at a time, so that a pool never is without more than one of them;
 * several where there are many, or they would not all have their turn, and one backend that does not answer the dial
 * would hold up all others.
 */
export class Rotation {
  readonly #clock: Clock;
  readonly #events: Events;
  readonly #pool: RotatedPool;
  #ageTimer: TimerHandle | undefined;
  #ageDueMs: number = Number.POSITIVE_INFINITY;
  #lookedMs = Number.NEGATIVE_INFINITY;
  #renewing = 0;
  /** Some were due at the last look and had to wait for their turn. */
  #someWait = false;
  /** Backends whose connection could not be replaced when it was last tried, and goes on. */
  readonly #notRenewed = new Set<Subchannel>();
  #stopped = false;

  constructor(clock: Clock, events: Events, pool: RotatedPool) {
    this.#clock = clock;
    this.#events = events;
    this.#pool = pool;
  }

  /** A connection became ready, with an age to watch. */
  watchAge({ expiresAtMs }: LiveConnection): void {
    if (expiresAtMs < this.#ageDueMs) this.#lookAt(expiresAtMs);
  }

  /** A connection could not be replaced. It goes on, and says when it is to be tried again. */
  failed(subchannel: Subchannel, failure: Failure): void {
    const first = this.#notRenewed.size === 0;
    this.#notRenewed.add(subchannel);
    if (!this.#events.active) return;
    this.#events.publish({ type: "renewal-failed", address: subchannel.id, error: factOf(failure), first });
  }

  /** The connection of which {@link failed} told is out of service: replaced, or lost. */
  left(subchannel: Subchannel): void {
    this.#notRenewed.delete(subchannel);
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
    const paceMs = this.#pool.backends().length * lookPaceMsPerBackend;
    const atMs = Math.max(dueMs, this.#lookedMs + paceMs);
    this.#ageTimer = clock.setTimeout(() => this.#renewDue(), Math.max(0, atMs - clock.now()));
  }

  /** Replaces as many of those that are due as may be at a time, the eldest first, and waits for the next. */
  #renewDue(): void {
    const backends = this.#pool.backends();
    const nowMs = this.#clock.now();
    this.#lookedMs = nowMs;
    const due: { readonly subchannel: Subchannel; readonly expiresAtMs: number }[] = [];
    let nextMs = Number.POSITIVE_INFINITY;
    for (const subchannel of backends) {
      const { live, isRenewing } = subchannel;
      if (live === undefined || isRenewing) continue;
      const { expiresAtMs } = live;
      if (expiresAtMs <= nowMs) due.push({ subchannel, expiresAtMs });
      else nextMs = Math.min(nextMs, expiresAtMs);
    }
    this.#lookAt(nextMs);
    due.sort((a, b) => a.expiresAtMs - b.expiresAtMs);
    const mayBegin = Math.max(1, Math.floor(backends.length * renewalShare)) - this.#renewing;
    this.#someWait = due.length > mayBegin;
    for (const { subchannel } of due.slice(0, Math.max(0, mayBegin))) {
      this.#renewing++;
      subchannel.renew((replaced) => this.#renewed(subchannel, replaced));
    }
  }

  #renewed({ live }: Subchannel, replaced: boolean): void {
    this.#renewing--;
    if (this.#stopped) return;
    if (replaced && live !== undefined) this.watchAge(live);
    const nowMs = this.#clock.now();
    if (!replaced) {
      // A backend that takes no new connections may be gone from DNS.
      this.#pool.refresh();
      this.#lookAt(Math.min(this.#ageDueMs, nowMs + ageRecheckMs));
    } else if (this.#someWait) {
      this.#lookAt(nowMs);
    }
  }
}
