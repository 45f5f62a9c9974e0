import { type Clock, type GlinkTransport, type GlinkTransportOptions, glinkTransport, type Random } from "../index.ts";
import { checkFields, checkMethods } from "./check.ts";
import { seededRandom } from "./seeded-random.ts";

/** Time and chance of a transport under test. */
export interface TestRuntime {
  /** `manualClock()`, say, or a clock of your own. Default: the process' own time. */
  readonly clock?: Clock;
  /** Default: `seededRandom(1)`, so that each run decides alike. `{ next: Math.random }` is what a `glinkTransport` has. */
  readonly random?: Random;
}

/** The name that src/runtime/runtime.ts knows. Internal to this package: it may change with any version. */
const runtimeKey = Symbol.for("glink.testing.runtime");

/**
 * A `glinkTransport` with time and chance of the test's own: sockets, servers and the event loop are real, and deadlines, waits between attempts,
 * rotation, keepalive and idleness follow the clock. At the end of `await using` it does not wait for open calls, as `close()` does: they fail
 * with Canceled, so that a test that failed meanwhile says why, and at once. Throws a TypeError or RangeError for bad input.
 */
export function testTransport(options: GlinkTransportOptions, runtime: TestRuntime = {}): GlinkTransport {
  const { clock, random = seededRandom(1) } = checkFields("the runtime of testTransport", runtime, ["clock", "random"]);
  if (clock !== undefined) checkMethods("clock", clock, ["now", "setTimeout", "clearTimeout", "afterInput"]);
  checkMethods("random", random, ["next"]);
  const given =
    typeof options === "object" && options !== null ? { ...options, [runtimeKey]: { clock, random } } : options;
  const transport = glinkTransport(given);
  return Object.assign(transport, { [Symbol.asyncDispose]: () => transport.close({ timeoutMs: 0 }) });
}
