import type { Failure } from "../../base/errors.ts";
import type { DropReason } from "../../observe/call-facts.ts";

/** Decides for each call whether it may be sent at all. */
export interface CallGuard {
  readonly reason: DropReason;
  /** Undefined: the call may go. Else it fails with this, and no other guard hears of it. */
  refuse(): Failure | undefined;
  /** A call goes. */
  started(): void;
  /** A call that went has ended. */
  ended(failure: Failure | undefined): void;
}
