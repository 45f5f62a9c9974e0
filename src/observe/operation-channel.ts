import { type Channel, channel } from "node:diagnostics_channel";
import type { FailureFact } from "../base/errors.ts";

/** What is published of an operation: one object from its start to its end, filled in as it goes. */
export interface OperationContext {
  /** Set before `error` is published: how it failed. */
  error?: FailureFact;
}

/**
 * A TracingChannel of node:diagnostics_channel by its five names, `tracing:glink:call:start` and so on, published by hand:
 * `tracePromise` costs a promise. In the order in which an asynchronous operation has them: `start` and `end` as it begins;
 * `error` if it failed, `asyncStart` and `asyncEnd` when it is over.
 */
export class OperationChannel<C extends OperationContext> {
  readonly #start: Channel;
  readonly #end: Channel;
  readonly #asyncStart: Channel;
  readonly #asyncEnd: Channel;
  readonly #error: Channel;

  constructor(name: string) {
    this.#start = channel(`tracing:${name}:start`);
    this.#end = channel(`tracing:${name}:end`);
    this.#asyncStart = channel(`tracing:${name}:asyncStart`);
    this.#asyncEnd = channel(`tracing:${name}:asyncEnd`);
    this.#error = channel(`tracing:${name}:error`);
  }

  /** Somebody listens. (A TracingChannel's own `hasSubscribers` is younger than Node 20.) */
  get isHeard(): boolean {
    return (
      this.#start.hasSubscribers ||
      this.#end.hasSubscribers ||
      this.#asyncStart.hasSubscribers ||
      this.#asyncEnd.hasSubscribers ||
      this.#error.hasSubscribers
    );
  }

  started(context: C): void {
    this.#start.publish(context);
    this.#end.publish(context);
  }

  /** Once. With `error`: it failed. */
  ended(context: C, error?: FailureFact): void {
    if (error !== undefined) {
      context.error = error;
      this.#error.publish(context);
    }
    this.#asyncStart.publish(context);
    this.#asyncEnd.publish(context);
  }
}
