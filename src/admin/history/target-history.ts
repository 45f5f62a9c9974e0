import type { FailureFact, GlinkEvent, GlinkSnapshot, GlinkTransport, WithheldReason } from "../../index.ts";
import { type EventListener, hearWeakly } from "./hearing.ts";
import { Ring } from "./ring.ts";
import { Samples } from "./samples.ts";

/** An attempt that failed, and what came of it. */
export interface FailedAttempt {
  readonly atMs: number;
  readonly method: string;
  readonly attempt: number;
  readonly address: string | undefined;
  readonly error: FailureFact;
  /** The wait before the attempt after it; undefined: there was none. */
  readonly retryDelayMs: number | undefined;
  /** Why there was none, where the retry policy would have made one. */
  readonly withheld: WithheldReason | undefined;
}

export type EventOf<T extends GlinkEvent["type"]> = Extract<GlinkEvent, { readonly type: T }>;

/** What tells how the list of backends came about. */
export type LookupEvent = EventOf<"resolved" | "resolve-failed" | "resolve-recovered" | "pool-updated">;

/** What happened to backends and to the target as a whole. */
export type Happening = Exclude<GlinkEvent, LookupEvent | EventOf<"attempt-failed" | "retry-withheld">>;

const maxFailures = 100;
const maxLookups = 50;
const maxHappenings = 100;

/** What one transport did since the page exists. */
export class TargetHistory {
  readonly failures: Ring<FailedAttempt> = new Ring<FailedAttempt>(maxFailures);
  readonly lookups: Ring<LookupEvent> = new Ring<LookupEvent>(maxLookups);
  readonly happenings: Ring<Happening> = new Ring<Happening>(maxHappenings);
  readonly samples: Samples = new Samples();
  readonly #transport: Pick<GlinkTransport, "snapshot">;
  readonly #unsubscribe: () => void;
  /** Held here, and weakly by the subscription: it lives as long as this history. */
  readonly #listener: EventListener = { onEvent: (event) => this.#hear(event) };
  #withheld: EventOf<"retry-withheld"> | undefined;

  constructor(transport: Pick<GlinkTransport, "snapshot" | "subscribe">) {
    this.#transport = transport;
    this.#unsubscribe = hearWeakly(transport, this.#listener);
    this.snapshot();
  }

  /** A snapshot, which is also a sample. */
  snapshot(): GlinkSnapshot {
    const snapshot = this.#transport.snapshot();
    this.samples.add(snapshot);
    return snapshot;
  }

  close(): void {
    this.#unsubscribe();
    for (const kept of [this.failures, this.lookups, this.happenings, this.samples]) kept.clear();
  }

  #hear(event: GlinkEvent): void {
    this.#keep(event);
    // Around an incident there are events, and no timer is needed for shares of that time.
    if (this.samples.isDue(event.at)) this.snapshot();
  }

  #keep(event: GlinkEvent): void {
    switch (event.type) {
      case "retry-withheld":
        // Its attempt's failure is told next, in the same turn.
        this.#withheld = event;
        break;
      case "attempt-failed":
        this.failures.add(this.#failedAttempt(event));
        break;
      case "resolved":
        if (event.changed) this.lookups.add(event);
        break;
      case "resolve-failed":
      case "resolve-recovered":
      case "pool-updated":
        this.lookups.add(event);
        break;
      default:
        this.happenings.add(event);
    }
  }

  #failedAttempt({ at, method, attempt, address, error, retryDelayMs }: EventOf<"attempt-failed">): FailedAttempt {
    const before = this.#withheld;
    this.#withheld = undefined;
    const isOfThis = before !== undefined && before.method === method && before.address === address;
    const withheld = isOfThis && retryDelayMs === undefined ? before.reason : undefined;
    return { atMs: at, method, attempt, address, error, retryDelayMs, withheld };
  }
}
