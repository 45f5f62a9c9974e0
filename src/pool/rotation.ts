import type { TimerHandle } from "../runtime/clock.ts";
import { jitter } from "../runtime/random.ts";
import type { Runtime } from "../runtime/runtime.ts";
import type { Subchannel } from "../subchannel/subchannel.ts";

/** How often the pool looks around. */
export interface RotationOptions {
  /** ± 10 %; `Infinity`: never. */
  readonly rotationIntervalMs: number;
  /** `Infinity`: connections may grow as old as they like. */
  readonly maxConnectionAgeMs: number;
}

/** ± this share of each interval, so that a fleet started together does not ask DNS together. */
const intervalJitter = 0.1;

/** While a connection is being replaced, or none is ready, expired ones are looked for again after this. */
const ageRecheckMs = 1_000;

/** The two clocks of a pool: ask the resolver again, and replace connections before they grow old, one at a time. */
export class Rotation {
  readonly #options: RotationOptions;
  readonly #runtime: Runtime;
  readonly #refresh: () => void;
  readonly #subchannels: Iterable<Subchannel>;
  #intervalTimer: TimerHandle | undefined;
  #ageTimer: TimerHandle | undefined;
  #renewing = false;
  #stopped = false;

  constructor(options: RotationOptions, runtime: Runtime, refresh: () => void, subchannels: Iterable<Subchannel>) {
    this.#options = options;
    this.#runtime = runtime;
    this.#refresh = refresh;
    this.#subchannels = subchannels;
  }

  start(): void {
    this.#scheduleRefresh();
  }

  /** A connection became ready: it has an age to watch. */
  watchAge(): void {
    if (this.#options.maxConnectionAgeMs !== Number.POSITIVE_INFINITY && this.#ageTimer === undefined) this.#next();
  }

  stop(): void {
    this.#stopped = true;
    this.#runtime.clock.clearTimeout(this.#intervalTimer);
    this.#runtime.clock.clearTimeout(this.#ageTimer);
  }

  #scheduleRefresh(): void {
    const { rotationIntervalMs } = this.#options;
    if (rotationIntervalMs === Number.POSITIVE_INFINITY) return;
    this.#intervalTimer = this.#runtime.clock.setTimeout(
      () => {
        this.#scheduleRefresh();
        this.#refresh();
      },
      jitter(rotationIntervalMs, intervalJitter, this.#runtime.random),
    );
  }

  /** Waits for the connection that expires first. */
  #next(): void {
    if (this.#stopped || this.#renewing) return;
    const { clock } = this.#runtime;
    let expiresAtMs = Number.POSITIVE_INFINITY;
    for (const { live } of this.#subchannels) {
      if (live !== undefined) expiresAtMs = Math.min(expiresAtMs, live.expiresAtMs);
    }
    clock.clearTimeout(this.#ageTimer);
    this.#ageTimer = undefined;
    if (expiresAtMs === Number.POSITIVE_INFINITY) return;
    this.#ageTimer = clock.setTimeout(() => this.#renewEldest(), Math.max(0, expiresAtMs - clock.now()));
  }

  #renewEldest(): void {
    this.#ageTimer = undefined;
    let eldest: Subchannel | undefined;
    for (const subchannel of this.#subchannels) {
      const expiresAtMs = subchannel.live?.expiresAtMs ?? Number.POSITIVE_INFINITY;
      if (expiresAtMs < (eldest?.live?.expiresAtMs ?? Number.POSITIVE_INFINITY)) eldest = subchannel;
    }
    const now = this.#runtime.clock.now();
    if (eldest?.live === undefined || eldest.live.expiresAtMs > now) {
      this.#next();
      return;
    }
    this.#renewing = true;
    eldest.renew((replaced) => {
      this.#renewing = false;
      if (replaced) this.#next();
      else if (!this.#stopped) {
        this.#ageTimer = this.#runtime.clock.setTimeout(() => this.#renewEldest(), ageRecheckMs);
      }
    });
  }
}
