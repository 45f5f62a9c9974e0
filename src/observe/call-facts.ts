import type { FailureFact } from "../base/errors.ts";
import type { WaitReason } from "./wait-reason.ts";

/** What happens to calls and their attempts, where it is worth telling. */
export type CallFact =
  | {
      /** A call waits for a backend, where none did before. */
      readonly type: "call-queued";
      readonly method: string;
      readonly waitsFor: WaitReason;
    }
  | {
      /** No call waits any more. `calls`: how many did since `call-queued`. */
      readonly type: "queue-drained";
      readonly calls: number;
    }
  | {
      /** An attempt failed. With `retryDelayMs` another follows after that wait. */
      readonly type: "attempt-failed";
      readonly method: string;
      readonly attempt: number;
      readonly address: string | undefined;
      readonly error: FailureFact;
      readonly retryDelayMs: number | undefined;
    }
  | {
      /**
       * The retry policy would have made another attempt, and did not. `first`: the budget refuses for the first time in
       * ten seconds or more.
       */
      readonly type: "retry-withheld";
      readonly method: string;
      readonly address: string | undefined;
      readonly reason: WithheldReason;
      readonly first: boolean;
    }
  | {
      /**
       * A call was refused before it was sent: `maxOpenCalls` are open, or `admission` spares the servers. `first`: for the
       * first time in ten seconds or more.
       */
      readonly type: "call-dropped";
      readonly method: string;
      readonly reason: DropReason;
      readonly first: boolean;
      readonly message: string;
    };

/**
 * Why a retry was withheld: the budget is used up, the server's pushback, `idempotentOnly`, `bufferMaxBytes`, or too
 * little time until the call's deadline.
 */
export type WithheldReason = "budget" | "pushback" | "idempotency" | "request-size" | "deadline";

/** Why a call was refused before it was sent: by `maxOpenCalls`, or by `admission`. */
export type DropReason = "max-open-calls" | "admission";
