import { type Failure, factOf } from "../base/errors.ts";
import type { Clock } from "../runtime/clock.ts";
import type { Events } from "./events.ts";
import { OperationChannel, type OperationContext } from "./operation-channel.ts";
import { ResolverCounters } from "./resolver-counters.ts";

/** What the tracing channel `glink:resolve` publishes of one lookup. */
export interface ResolveContext extends OperationContext {
  /** Scheme, host, port and path of `baseUrl`. */
  readonly target: string;
  /** How many backends it names. */
  addresses?: number;
  /** How long the lookup took, in whole milliseconds. Set at the end. */
  durationMs?: number;
}

/** When the resolver was last heard, in clock time; undefined: never. */
export interface ResolverTimes {
  readonly lastSuccessMs: number | undefined;
  readonly lastFailureMs: number | undefined;
}

/** Sees every answer of one channel's resolver: counts it, and publishes it. */
export class ResolverObserver {
  readonly counters: ResolverCounters = new ResolverCounters();
  readonly #target: string;
  readonly #events: Events;
  readonly #clock: Clock;
  readonly #lookups = new OperationChannel<ResolveContext>("glink:resolve");
  /** Of the lookup that runs, where the resolver says that one does. */
  #lookup: { readonly startedMs: number; readonly context: ResolveContext | undefined } | undefined;
  #lastSuccessMs: number | undefined;
  #lastFailureMs: number | undefined;
  #isFailing = false;

  constructor(target: string, events: Events, clock: Clock) {
    this.#target = target;
    this.#events = events;
    this.#clock = clock;
  }

  get times(): ResolverTimes {
    return { lastSuccessMs: this.#lastSuccessMs, lastFailureMs: this.#lastFailureMs };
  }

  lookupStarted(): void {
    // One that brought nothing new was told to nobody, and is over.
    this.#forgetLookup();
    const context: ResolveContext | undefined = this.#lookups.isHeard ? { target: this.#target } : undefined;
    this.#lookup = { startedMs: this.#clock.now(), context };
    if (context !== undefined) this.#lookups.started(context);
  }

  /** The resolver named so many backends. */
  found(addresses: number, changed: boolean): void {
    this.#lastSuccessMs = this.#clock.now();
    const tookMs = this.#lookupEnded({ addresses });
    if (this.#events.active) this.#events.publish({ type: "resolved", addresses, tookMs, changed });
    if (this.#isFailing && this.#events.active) this.#events.publish({ type: "resolve-recovered" });
    this.#isFailing = false;
  }

  failed(failure: Failure): void {
    this.#lastFailureMs = this.#clock.now();
    this.#lookupEnded({}, failure);
    const first = !this.#isFailing;
    this.#isFailing = true;
    if (this.#events.active) this.#events.publish({ type: "resolve-failed", error: factOf(failure), first });
  }

  /** Nobody wants a list for now: what comes next is a new beginning. */
  rested(): void {
    this.#isFailing = false;
    this.#forgetLookup();
  }

  /** Whoever follows it hears of its end, and nobody of what it came to. */
  #forgetLookup(): void {
    const context = this.#lookup?.context;
    this.#lookup = undefined;
    if (context !== undefined) this.#lookups.ended(context);
  }

  /** Returns how long the resolver was asked; undefined: nobody knows. */
  #lookupEnded(facts: Partial<ResolveContext>, failure?: Failure): number | undefined {
    const lookup = this.#lookup;
    this.#lookup = undefined;
    const tookMs = lookup === undefined ? undefined : Math.round(this.#clock.now() - lookup.startedMs);
    this.counters.ended(failure === undefined, tookMs ?? 0);
    if (lookup?.context !== undefined) {
      Object.assign(lookup.context, facts, { durationMs: tookMs });
      this.#lookups.ended(lookup.context, failure === undefined ? undefined : factOf(failure));
    }
    return tookMs;
  }
}
