import { Code } from "@connectrpc/connect";
import type { DropReason, WithheldReason } from "./events.ts";
import type { WaitReason } from "./wait-reason.ts";

/** Counts since the channel was made, as plain data. Each only grows. */
export interface CallCounts {
  readonly started: number;
  readonly succeeded: number;
  /** By the name of the status code, `Unavailable` say: those that have occurred. */
  readonly failed: Readonly<Record<string, number>>;
  readonly attempts: number;
  /** Attempts that followed another one of their call and used one up. */
  readonly retries: number;
  /** Attempts that repeated one which did not run, and used none up. */
  readonly transparentRetries: number;
  /** Attempts that calls sent beside another one, which had not answered in time or had failed (gRFC A6, hedging). */
  readonly hedges: number;
  /** Retries that the policy would have made. */
  readonly retriesWithheld: Readonly<Record<WithheldReason, number>>;
  /** Calls that were refused before they were sent. */
  readonly dropped: Readonly<Record<DropReason, number>>;
  /** Attempts that had to wait, by each thing that they waited for. */
  readonly waits: Readonly<Record<WaitReason, number>>;
  /** Messages of all attempts, and their bytes: as compressed, without what frames them. */
  readonly messagesSent: number;
  readonly bytesSent: number;
  readonly messagesReceived: number;
  readonly bytesReceived: number;
}

/** What is counted of the calls of a channel, always: an increment each. */
export class CallCounters {
  started = 0;
  succeeded = 0;
  attempts = 0;
  retries = 0;
  transparentRetries = 0;
  hedges = 0;
  messagesSent = 0;
  bytesSent = 0;
  messagesReceived = 0;
  bytesReceived = 0;
  readonly retriesWithheld: Record<WithheldReason, number> = {
    budget: 0,
    pushback: 0,
    idempotency: 0,
    "request-size": 0,
    deadline: 0,
  };
  readonly dropped: Record<DropReason, number> = { "max-open-calls": 0, admission: 0 };
  readonly waits: Record<WaitReason, number> = { resolve: 0, connect: 0, streams: 0 };
  readonly #failed = new Map<Code, number>();

  /** `number` 1 is a call's first; `transparent`: it repeats one that did not use up an attempt. */
  attemptStarted(number: number, transparent: boolean, hedge = false): void {
    this.attempts++;
    if (transparent) this.transparentRetries++;
    else if (hedge) this.hedges++;
    else if (number > 1) this.retries++;
  }

  failedWith(code: Code): void {
    this.#failed.set(code, (this.#failed.get(code) ?? 0) + 1);
  }

  read(): CallCounts {
    const { retriesWithheld, dropped, waits, ...counts } = this;
    const failed = Object.fromEntries([...this.#failed].map(([code, count]) => [Code[code], count]));
    return { ...counts, failed, retriesWithheld: { ...retriesWithheld }, dropped: { ...dropped }, waits: { ...waits } };
  }
}
