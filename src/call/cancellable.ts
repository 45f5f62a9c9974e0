import type { Failure } from "../errors.ts";

/** Something that a deadline, an abort or the transport's close can end. */
export interface Cancellable {
  cancel(failure: Failure): void;
}
