import type { GlinkTransportOptions } from "../../../src/index.ts";
import { hopelessKinds, type Plan } from "./plan.ts";

/** Whether calls may fail for ever by the word of the options themselves, though every server is well. */
export function hindersRecovery(plan: Plan, options: GlinkTransportOptions): boolean {
  const { reconnectBackoff, admission, methods } = options;
  const atLeast = (name: keyof GlinkTransportOptions, least: number) => {
    const value = options[name];
    return typeof value === "number" && value < least;
  };
  // A list that stays as it is has addresses where no server will ever be.
  const hasHopeless = plan.resolver === "static" && plan.backends.some(({ kind }) => hopelessKinds.has(kind));
  const { connectTimeoutMs = 0 } = options;
  return (
    plan.backends.every(({ kind }) => hopelessKinds.has(kind)) ||
    // Time for a dial, an answer, and a PING's.
    atLeast("connectTimeoutMs", 500) ||
    atLeast("pingTimeoutMs", 300) ||
    atLeast("drainTimeoutMs", 1) ||
    // Room for a message, and for headers.
    atLeast("readMaxBytes", 200) ||
    atLeast("writeMaxBytes", 200) ||
    (reconnectBackoff?.maxBackoffMs ?? 0) > 5_000 ||
    (hasHopeless && (options.subsetSize !== undefined || connectTimeoutMs > 5_000)) ||
    (typeof admission === "object" && (admission.maxDropShare ?? 0) > 0.95) ||
    Object.values(methods ?? {}).some(({ timeoutMs }) => timeoutMs !== undefined && timeoutMs < 500)
  );
}
