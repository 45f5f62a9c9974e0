import type { TimerHandle } from "../runtime/clock.ts";
import { jitter } from "../runtime/random.ts";
import type { Runtime } from "../runtime/runtime.ts";
import type { LiveConnection } from "../subchannel/live-connection.ts";
import type { Subchannel } from "../subchannel/subchannel.ts";

/** ± this share of each interval, so that a fleet started together does not ask DNS together. */
const intervalJitter = 0.1;

/** After a connection could not be replaced, the next one that is due is looked for after this. */
const ageRecheckMs = 1_000;

/** The two clocks of a pool: ask the resolver again, and replace connections before they grow old, one at a time. */
export class Rotation {
  readonly #intervalMs: number;
  readonly #runtime: Runtime;
  readonly #refresh: () => void;
  readonly #subchannels: Iterable<Subchannel>;
  #intervalTimer: TimerHandle | undefined;
  #ageTimer: TimerHandle | undefined;
  #ageDueMs: number = Number.POSITIVE_INFINITY;
  #renewing = false;
  #stopped = false;

  /** `intervalMs`: how often to ask the resolver, ± 10 %; `Infinity`: never. */
  constructor(intervalMs: number, runtime: Runtime, refresh: () => void, subchannels: Iterable<Subchannel>) {
    this.#intervalMs = intervalMs;
    this.#runtime = runtime;
    this.#refresh = refresh;
    this.#subchannels = subchannels;
  }

  start(): void {
    this.#scheduleRefresh();
  }

  /** A connection became ready, with an age to watch. */
  watchAge({ expiresAtMs }: LiveConnection): void {
    if (expiresAtMs < this.#ageDueMs && !this.#renewing) this.#renewAt(expiresAtMs);
  }

  stop(): void {
    this.#stopped = true;
    this.#runtime.clock.clearTimeout(this.#intervalTimer);
    this.#runtime.clock.clearTimeout(this.#ageTimer);
  }

  #scheduleRefresh(): void {
    if (this.#intervalMs === Number.POSITIVE_INFINITY) return;
    this.#intervalTimer = this.#runtime.clock.setTimeout(
      () => {
        this.#scheduleRefresh();
        this.#refresh();
      },
      jitter(this.#intervalMs, intervalJitter, this.#runtime.random),
    );
  }

  /** Waits for the connection that expires first. */
  #next(): void {
    this.#renewAt(this.#eldest()?.live?.expiresAtMs ?? Number.POSITIVE_INFINITY);
  }

  #renewAt(dueMs: number): void {
    const { clock } = this.#runtime;
    clock.clearTimeout(this.#ageTimer);
    this.#ageDueMs = dueMs;
    this.#ageTimer =
      dueMs === Number.POSITIVE_INFINITY
        ? undefined
        : clock.setTimeout(() => this.#renewEldest(), Math.max(0, dueMs - clock.now()));
  }

  #renewEldest(): void {
    const { clock } = this.#runtime;
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
