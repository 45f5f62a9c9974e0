import type { Clock, TimerHandle } from "../runtime/clock.ts";
import type { LiveConnection } from "../subchannel/live-connection.ts";
import type { Subchannel } from "../subchannel/subchannel.ts";

/** After a connection could not be replaced, the next one that is due is looked for after this. */
const ageRecheckMs = 1_000;

/** Replaces connections before they grow old, one at a time. */
export class Rotation {
  readonly #clock: Clock;
  readonly #refresh: () => void;
  readonly #subchannels: Iterable<Subchannel>;
  #ageTimer: TimerHandle | undefined;
  #ageDueMs: number = Number.POSITIVE_INFINITY;
  #renewing = false;
  #stopped = false;

  /** `refresh`: asks the resolver again. */
  constructor(clock: Clock, refresh: () => void, subchannels: Iterable<Subchannel>) {
    this.#clock = clock;
    this.#refresh = refresh;
    this.#subchannels = subchannels;
  }

  /** A connection became ready, with an age to watch. */
  watchAge({ expiresAtMs }: LiveConnection): void {
    if (expiresAtMs < this.#ageDueMs && !this.#renewing) this.#renewAt(expiresAtMs);
  }

  stop(): void {
    this.#stopped = true;
    this.#clock.clearTimeout(this.#ageTimer);
  }

  /** Waits for the connection that expires first. */
  #next(): void {
    this.#renewAt(this.#eldest()?.live?.expiresAtMs ?? Number.POSITIVE_INFINITY);
  }

  #renewAt(dueMs: number): void {
    const clock = this.#clock;
    clock.clearTimeout(this.#ageTimer);
    this.#ageDueMs = dueMs;
    this.#ageTimer =
      dueMs === Number.POSITIVE_INFINITY
        ? undefined
        : clock.setTimeout(() => this.#renewEldest(), Math.max(0, dueMs - clock.now()));
  }

  #renewEldest(): void {
    const clock = this.#clock;
    const eldest = this.#eldest();
    if (eldest?.live === undefined || eldest.live.expiresAtMs > clock.now()) {
      this.#next();
      return;
    }
    this.#renewing = true;
    eldest.renew((replaced) => {
      this.#renewing = false;
      if (this.#stopped) return;
      if (replaced) {
        this.#next();
      } else {
        // A backend that takes no new connections may be gone from DNS.
        this.#refresh();
        this.#renewAt(clock.now() + ageRecheckMs);
      }
    });
  }

  /** The ready one whose connection expires first. */
  #eldest(): Subchannel | undefined {
    let eldest: Subchannel | undefined;
    let expiresAtMs = Number.POSITIVE_INFINITY;
    for (const subchannel of this.#subchannels) {
      const { live } = subchannel;
      if (live === undefined || live.expiresAtMs >= expiresAtMs) continue;
      eldest = subchannel;
      expiresAtMs = live.expiresAtMs;
    }
    return eldest;
  }
}
