import type { PickInfo } from "../balancing/picker.ts";
import type { Failure } from "../base/errors.ts";
import type { ResponseGate } from "./response-gate.ts";

/** Told how one attempt goes. */
export interface AttemptListener<Attempt> {
  /** The request has a stream. Unless its body was known and went with it, what is buffered can be written. */
  onAttemptStarted(attempt: Attempt): void;
  onAttemptWritable(attempt: Attempt): void;
  /** Exactly once, and last, unless the attempt was given up by its `abandon`. */
  onAttemptEnded(attempt: Attempt, failure: Failure | undefined): void;
}

/** The call that an attempt is one of. */
export interface AttemptCall<Attempt> extends AttemptListener<Attempt> {
  readonly pickInfo: PickInfo;
  readonly waitForReady: boolean;
  /** Where the response goes, as it comes. */
  readonly gate: ResponseGate;
}
