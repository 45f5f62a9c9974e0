import type { Convention } from "../conventions.ts";
import { type Instrument, instruments, type MetricName } from "./catalog.ts";

/** A label that is left out unless it is asked for, because each of its values is one more series (gRFC A79). */
export type OptionalLabel = "grpc.disconnect_error" | "grpc.security_level";

export const optionalLabels: readonly OptionalLabel[] = ["grpc.disconnect_error", "grpc.security_level"];

/** Which metrics there are, and with which labels. */
export interface MetricChoice {
  readonly on: ReadonlySet<MetricName>;
  readonly labels: ReadonlySet<OptionalLabel>;
  /** Counts and sums of backends have a label for the backend. */
  readonly backendLabel: boolean;
}

/** Histograms that each convention has by default. An SDK takes a microsecond and more to record one value. */
const defaultHistograms: Readonly<Record<Convention, readonly MetricName[]>> = {
  semconv: ["rpc.client.call.duration"],
  // gRFC A66: grpc-go's default set.
  grpc: [
    "grpc.client.call.duration",
    "grpc.client.attempt.duration",
    "grpc.client.attempt.sent_total_compressed_message_size",
    "grpc.client.attempt.rcvd_total_compressed_message_size",
  ],
};

/** Of one backend each, so that there are as many series as backends. */
const ofBackends: readonly MetricName[] = ["glink.backend.attempts.started", "glink.backend.attempts.failed"];

/** The defaults of the conventions, and the user's switches. Counters and gauges are free, and on. */
export function chosenMetrics(
  conventions: readonly Convention[],
  switches: Partial<Record<MetricName, boolean>>,
  { allHistograms, backendLabel }: { readonly allHistograms: boolean; readonly backendLabel: boolean },
): ReadonlySet<MetricName> {
  const isOn = ({ name, kind }: Instrument): boolean => {
    if (ofBackends.includes(name) && !backendLabel) return false;
    if (switches[name] !== undefined) return switches[name];
    return kind !== "histogram" || allHistograms || conventions.some((one) => defaultHistograms[one].includes(name));
  };
  return new Set([...instruments.values()].filter(isOn).map(({ name }) => name));
}
