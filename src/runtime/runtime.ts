import type { AsyncResource } from "node:async_hooks";
import { type Clock, systemClock } from "./clock.ts";
import { type ProcessHold, systemHold } from "./process-hold.ts";
import { type Random, systemRandom } from "./random.ts";

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

/**
 * Where glink/testing puts time and chance among a transport's options: no option, but a key that nobody meets who does
 * not look for it. Internal, like what it holds.
 */
const testRuntime: unique symbol = Symbol.for("glink.testing.runtime");

/** What a transport with these options runs on: the process' own, but for what a test has of its own. */
export function runtimeFor(options: object): Runtime {
  const given = (options as { [testRuntime]?: Partial<Pick<Runtime, "clock" | "random">> } | null)?.[testRuntime];
  return { clock: given?.clock ?? systemClock(), random: given?.random ?? systemRandom(), hold: systemHold() };
}
