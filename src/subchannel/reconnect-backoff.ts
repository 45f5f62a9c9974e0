import { type BackoffOptions, backoffDelayMs } from "../runtime/backoff.ts";
import type { Runtime } from "../runtime/runtime.ts";

/**
 * How long to leave a backend alone after a failure. The wait grows with each failure in a row and counts from the
 * start of the dial, so that a dial which itself took long is followed at once (gRPC: connection-backoff.md).
 */
export class ReconnectBackoff {
  readonly #options: BackoffOptions;
  readonly #runtime: Runtime;
  #failures = 0;
  #dialStartedMs = 0;
  #provenMs = Number.NEGATIVE_INFINITY;

  constructor(options: BackoffOptions, runtime: Runtime) {
    this.#options = options;
    this.#runtime = runtime;
  }

  dialStarted(atMs: number): void {
    this.#dialStartedMs = atMs;
  }

  /** The dial failed, or what it made ended before it proved itself. Returns the wait from now, in milliseconds. */
  failed(): number {
    this.#failures++;
    return this.remainingMs();
  }

  /** What the dial made was ended by the peer, in good order, before it was used: that counts only if it came too soon. */
  endedUnused(): number {
    const waitMs = this.failed();
    if (waitMs === 0) this.#failures--;
    return waitMs;
  }

  /** A connection that was ready since then ended, and was of no use. Old news if the backend has proved itself since. */
  failedSince(readySinceMs: number): void {
    if (readySinceMs >= this.#provenMs) this.#failures++;
  }

  /** What is left of the wait for the failures so far, in milliseconds. */
  remainingMs(): number {
    if (this.#failures === 0) return 0;
    const { clock, random } = this.#runtime;
    const endMs = this.#dialStartedMs + backoffDelayMs(this.#options, this.#failures, random);
    return Math.max(0, endMs - clock.now());
  }

  /** The backend has proved that it works. */
  forget(): void {
    this.#failures = 0;
    this.#provenMs = this.#runtime.clock.now();
  }
}
