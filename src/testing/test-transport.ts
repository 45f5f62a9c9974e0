import { type Clock, type GlinkTransport, type GlinkTransportOptions, glinkTransport, type Random } from "../index.ts";
import { checkFields, checkMethods } from "./check.ts";

/** Time and chance of a transport under test. */
export interface TestRuntime {
  /** `manualClock()`, say, or a clock of your own. Default: the process' own time. */
  readonly clock?: Clock;
  /** `seededRandom(1)`, say. Default: `Math.random`. */
  readonly random?: Random;
}

/** The name that src/runtime/runtime.ts knows. Internal to this package: it may change with any version. */
const runtimeKey = Symbol.for("glink.testing.runtime");

/**
 * A `glinkTransport` with time and chance of the test's own: sockets, servers and the event loop are real, and deadlines, waits between attempts,
 * rotation, keepalive and idleness follow the clock. Throws a TypeError or RangeError for bad input.
 */
export function testTransport(options: GlinkTransportOptions, runtime: TestRuntime): GlinkTransport {
  const { clock, random } = checkFields("the runtime of testTransport", runtime, ["clock", "random"]);
  if (clock !== undefined) checkMethods("clock", clock, ["now", "setTimeout", "clearTimeout", "afterInput"]);
  if (random !== undefined) checkMethods("random", random, ["next"]);
  const given =
    typeof options === "object" && options !== null ? { ...options, [runtimeKey]: { clock, random } } : options;
  return glinkTransport(given);
}
