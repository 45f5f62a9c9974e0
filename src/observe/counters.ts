import { Code } from "@connectrpc/connect";
import type { FailureKind, Progress } from "../base/errors.ts";
import type { DropReason, WithheldReason } from "./call-facts.ts";
import type { WaitReason } from "./wait-reason.ts";

/**
 * Why an attempt followed another one: the retry policy, at the time that it chose (`policy`) or that the server asked for
 * (`pushback`), or at once because a connection was lost and another one was there (`lost-connection`); or
 * `transparent`, because the request had not run (gRFC A6).
 */
export type RetryCause = "policy" | "pushback" | "lost-connection" | "transparent";

/** Counts since the channel was made, as plain data. Each only grows. */
export interface CallCounts {
  /** Calls that began: what is refused at the door is not among them. */
  readonly started: number;
  /** Calls that ended well. */
  readonly succeeded: number;
  /** By the name of the status code, `Unavailable` say: those that have occurred. */
  readonly failed: Readonly<Record<string, number>>;
  /** Attempts that began, those of retries and hedges included. */
  readonly attempts: number;
  /** By the kind of the failure, and by how far the request got: those that have occurred. */
  readonly attemptsFailed: Readonly<Partial<Record<FailureKind, Readonly<Record<Progress, number>>>>>;
  /** Attempts that followed another one of their call and used one up. */
  readonly retries: number;
  /** Attempts that repeated one which did not run, and used none up. */
  readonly transparentRetries: number;
  /** Attempts that calls sent beside another one, which had not answered in time or had failed (gRFC A6, hedging). */
  readonly hedges: number;
  /** Both, by their causes. */
  readonly retriesBy: Readonly<Record<RetryCause, number>>;
  /** The waits before retries, together. */
  readonly retryDelayMs: number;
  /** Retries that the policy would have made. */
  readonly retriesWithheld: Readonly<Record<WithheldReason, number>>;
  /** Calls that were refused before they were sent. */
  readonly dropped: Readonly<Record<DropReason, number>>;
  /** Attempts that had to wait, by each thing that they waited for. */
  readonly waits: Readonly<Record<WaitReason, number>>;
  /** How long such waits took that are over. */
  readonly waitMs: Readonly<Record<WaitReason, number>>;
  /** Request messages of all attempts. */
  readonly messagesSent: number;
  /** Their bytes: as compressed, without what frames them. */
  readonly bytesSent: number;
  /** Response messages of all attempts. */
  readonly messagesReceived: number;
  /** Their bytes: as compressed, without what frames them. */
  readonly bytesReceived: number;
}

/** What is counted of the calls of a channel, always: an increment each. */
export class CallCounters {
  started = 0;
  succeeded = 0;
  attempts = 0;
  hedges = 0;
  retryDelayMs = 0;
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
  readonly retriesBy: Record<RetryCause, number> = { policy: 0, pushback: 0, "lost-connection": 0, transparent: 0 };
  readonly waits: Record<WaitReason, number> = { resolve: 0, connect: 0, streams: 0 };
  readonly waitMs: Record<WaitReason, number> = { resolve: 0, connect: 0, streams: 0 };
  readonly #failed = new Map<Code, number>();
  readonly #attemptsFailed = new Map<FailureKind, Record<Progress, number>>();

  /** `cause`: it followed another one, after `delayMs`; undefined for a call's first. */
  attemptStarted(cause: RetryCause | undefined, delayMs: number): void {
    this.attempts++;
    if (cause === undefined) return;
    this.retriesBy[cause]++;
    this.retryDelayMs += delayMs;
  }

  /** A further attempt of a call that hedges. */
  hedgeStarted(): void {
    this.attempts++;
    this.hedges++;
  }

  attemptFailed(kind: FailureKind, progress: Progress): void {
    let counts = this.#attemptsFailed.get(kind);
    if (counts === undefined) {
      counts = { unsent: 0, refused: 0, unknown: 0 };
      this.#attemptsFailed.set(kind, counts);
    }
    counts[progress]++;
  }

  /** One message of an attempt. */
  sent(bytes: number): void {
    this.messagesSent++;
    this.bytesSent += bytes;
  }

  received(bytes: number): void {
    this.messagesReceived++;
    this.bytesReceived += bytes;
  }

  failedWith(code: Code): void {
    this.#failed.set(code, (this.#failed.get(code) ?? 0) + 1);
  }

  read(): CallCounts {
    const { retriesWithheld, retriesBy, dropped, waits, waitMs, ...counts } = this;
    const { transparent: transparentRetries, policy, pushback, "lost-connection": lost } = retriesBy;
    return {
      ...counts,
      failed: Object.fromEntries([...this.#failed].map(([code, count]) => [Code[code], count])),
      attemptsFailed: Object.fromEntries([...this.#attemptsFailed].map(([kind, by]) => [kind, { ...by }])),
      retries: policy + pushback + lost,
      transparentRetries,
      retriesBy: { ...retriesBy },
      retriesWithheld: { ...retriesWithheld },
      dropped: { ...dropped },
      waits: { ...waits },
      waitMs: { ...waitMs },
    };
  }
}
