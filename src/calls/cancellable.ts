import { canceledFailure, type Failure } from "../base/errors.ts";

/** Something that a deadline, an abort or the transport's close can end. */
export interface Cancellable {
  cancel(failure: Failure): void;
  /** Where it has a response stream: the user left that before its end. The call is over, and nobody hears an error. */
  abandoned?(): void;
}

/** Ends a call because the user left the response stream that it contributes to. */
export function abandon(call: Cancellable): void {
  if (call.abandoned !== undefined) call.abandoned();
  else call.cancel(leftFailure());
}

/** What the peer and telemetry are told of a call whose response stream was left. */
export function leftFailure(): Failure {
  return canceledFailure(new Error("the response stream was left before its end"));
}
