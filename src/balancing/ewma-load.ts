import { Code } from "@connectrpc/connect";
import { isServerFault } from "../base/server-fault.ts";
import type { Backend } from "../subchannel/backend.ts";
import type { AttemptOutcome, Pick, PickTracker } from "./picker.ts";

/** How latencies are judged. */
export interface EwmaSettings {
  /** After so long a measurement counts for a third (1 / e). */
  readonly decayMs: number;
  /** What a failed attempt counts as: this long at least. */
  readonly failurePenaltyMs: number;
}

/** Backends that are faster than this are equally fast: what is idle for long decays to nothing, and open calls count on. */
const leastMs = 0.05;

/** Of a backend that has calls and was never measured: one at a time finds out. */
const unknownMs = 1e9;

/**
 * What calls to one backend take: the peak of their latencies, from which it decays as time passes and faster calls end.
 * A slow call counts at once and in full, and so a backend that begins to be slow is left alone before calls pile up there.
 *
 * A failure that is the server's fault counts as a slow call: a single one by its share, averaged in, so that what fails
 * one call of a thousand still serves; one that follows another in full, so that what fails all calls attracts nothing,
 * however fast it fails.
 */
export class EwmaLoad {
  /** For calls whose duration tells how fast the backend is. */
  readonly timed: Pick;
  /** For calls that last as long as their callers want: streams. Only their failures count. */
  readonly untimed: Pick;
  readonly #backend: Backend;
  readonly #settings: EwmaSettings;
  /** Undefined: never measured. */
  #ewmaMs: number | undefined;
  #atMs = 0;
  /** The last call failed. */
  #failedLast = false;

  /** `tick` returns the present time, when an attempt begins or ends. */
  constructor(backend: Backend, settings: EwmaSettings, tick: () => number) {
    this.#backend = backend;
    this.#settings = settings;
    const trackerOf = (ended: (outcome: AttemptOutcome, nowMs: number) => void): PickTracker => ({
      started: () => void tick(),
      ended: (outcome) => ended(outcome, tick()),
    });
    this.timed = { backend, tracker: trackerOf((outcome, nowMs) => this.#ended(outcome, nowMs)) };
    this.untimed = {
      backend,
      tracker: trackerOf(({ failure, latencyMs }, nowMs) => {
        if (failure !== undefined && isServerFault(failure)) this.#failed(latencyMs, nowMs);
      }),
    };
  }

  /** The latency that is expected of it; undefined: nothing is known. */
  expectedMs(nowMs: number): number | undefined {
    const ewmaMs = this.#ewmaMs;
    return ewmaMs === undefined ? undefined : ewmaMs * this.#keptAfter(nowMs - this.#atMs);
  }

  /** What one more call to it costs. */
  cost(nowMs: number): number {
    const { openCalls, weight } = this.#backend;
    const ewmaMs = this.#ewmaMs;
    if (ewmaMs === undefined) return openCalls === 0 ? 0 : unknownMs + openCalls / weight;
    const expectedMs = Math.max(leastMs, ewmaMs * this.#keptAfter(nowMs - this.#atMs));
    return (expectedMs * (openCalls + 1)) / weight;
  }

  #ended({ failure, latencyMs }: AttemptOutcome, nowMs: number): void {
    if (failure !== undefined && isServerFault(failure)) {
      this.#failed(latencyMs, nowMs);
      return;
    }
    if (failure?.code !== Code.Canceled) this.#failedLast = false;
    if (latencyMs > (this.expectedMs(nowMs) ?? 0)) {
      this.#set(latencyMs, nowMs);
      // Given up by its caller: it would have taken longer, who knows how long.
    } else if (failure?.code !== Code.Canceled) {
      this.#average(latencyMs, nowMs);
    }
  }

  #failed(latencyMs: number, nowMs: number): void {
    const ms = Math.max(latencyMs, this.#settings.failurePenaltyMs);
    if (this.#failedLast) this.#set(Math.max(ms, this.expectedMs(nowMs) ?? 0), nowMs);
    else this.#average(ms, nowMs);
    this.#failedLast = true;
  }

  #average(ms: number, nowMs: number): void {
    const kept = this.#keptAfter(nowMs - this.#atMs);
    this.#set(this.#ewmaMs === undefined ? ms : this.#ewmaMs * kept + ms * (1 - kept), nowMs);
  }

  #set(ewmaMs: number, nowMs: number): void {
    this.#ewmaMs = ewmaMs;
    this.#atMs = nowMs;
  }

  #keptAfter(ms: number): number {
    return Math.exp(-Math.max(0, ms) / this.#settings.decayMs);
  }
}
