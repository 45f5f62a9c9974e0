import type { Random } from "../runtime/random.ts";
import type { AttemptContext } from "./attempt-context.ts";
import type { ReplayMemory } from "./retry/replay-memory.ts";
import type { CurrentRetryLimit } from "./retry/retry-limit.ts";

/** What all calls of one channel share. */
export interface CallContext {
  readonly attempt: AttemptContext;
  readonly random: Random;
  readonly retryLimit: CurrentRetryLimit;
  readonly replayMemory: ReplayMemory;
}
