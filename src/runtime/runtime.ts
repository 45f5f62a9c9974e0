import type { AsyncResource } from "node:async_hooks";
import type { Clock } from "./clock.ts";
import type { ProcessHold } from "./process-hold.ts";
import type { Random } from "./random.ts";

/** Time, chance and the process' life, handed to whoever needs them. One per transport. */
export interface Runtime {
  /** What tells the time and makes timers. */
  readonly clock: Clock;
  /** What rolls dice. */
  readonly random: Random;
  /** What keeps the process alive. */
  readonly hold: ProcessHold;
  /** The async context of work that belongs to no request, where it is another than the process' own. */
  readonly background?: AsyncResource | undefined;
}
