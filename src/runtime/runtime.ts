import type { Clock } from "./clock.ts";
import type { ProcessHold } from "./process-hold.ts";
import type { Random } from "./random.ts";

/** Time, chance and the process' life, handed to whoever needs them. One per transport. */
export interface Runtime {
  readonly clock: Clock;
  readonly random: Random;
  readonly hold: ProcessHold;
}
