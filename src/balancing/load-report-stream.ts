import { bytesField, varintField } from "../base/protobuf.ts";
import type { SubscriptionRequest } from "./policy.ts";

/** Asks a backend for its load reports, one every so many milliseconds, apart from any call (gRFC A51). */
export function loadReportRequest(intervalMs: number): SubscriptionRequest {
  const seconds = Math.floor(intervalMs / 1_000);
  const nanoseconds = Math.round((intervalMs - seconds * 1_000) * 1e6);
  const duration = [...varintField(1, seconds), ...varintField(2, nanoseconds)];
  return {
    service: "xds.service.orca.v3.OpenRcaService",
    method: "StreamCoreMetrics",
    // OrcaLoadReportRequest { google.protobuf.Duration report_interval = 1; … }
    message: Uint8Array.from(bytesField(1, duration)),
  };
}
