import type { AttemptOutcome, PickTracker } from "../balancing/picker.ts";
import type { Failure } from "../base/errors.ts";
import type { HeaderFields } from "../http2/connection.ts";
import { callUserCode, reportUserCode } from "../observe/user-code.ts";
import type { AttemptContext } from "./attempt-context.ts";

/** An attempt whose pick is tracked, from its start on a stream. The tracker may be the user's own, and may throw. */
export class TrackedPick {
  readonly #tracker: PickTracker;
  readonly #context: AttemptContext;
  readonly #startedMs: number;

  constructor(tracker: PickTracker, context: AttemptContext) {
    this.#tracker = tracker;
    this.#context = context;
    this.#startedMs = context.clock.now();
  }

  started(): void {
    this.#tell(() => this.#tracker.started());
  }

  ended(failure: Failure | undefined, trailers: HeaderFields): void {
    const latencyMs = this.#context.clock.now() - this.#startedMs;
    const outcome: AttemptOutcome = { failure, latencyMs, trailers };
    this.#tell(() => this.#tracker.ended(outcome));
  }

  #tell(tell: () => void): void {
    callUserCode(tell, [], (error) => reportUserCode(this.#context.events, "pick tracker", error));
  }
}
