import type { MethodSpec } from "../base/method-spec.ts";
import { bytesField, readFields } from "../base/protobuf.ts";

/** grpc.health.v1.Health/Watch (health/v1/health.proto of grpc-proto). */
export const healthWatch: MethodSpec = Object.freeze({
  service: "grpc.health.v1.Health",
  name: "Watch",
  singleRequest: true,
  singleResponse: false,
  idempotency: "unknown",
});

/** What a server says of a service of its own; a number that it should not send is `UNKNOWN`. */
export type ServingStatus = "UNKNOWN" | "SERVING" | "NOT_SERVING" | "SERVICE_UNKNOWN";

const statuses: readonly ServingStatus[] = ["UNKNOWN", "SERVING", "NOT_SERVING", "SERVICE_UNKNOWN"];

/** `HealthCheckRequest { string service = 1; }`. An empty string is the default, and not sent. */
export function encodeHealthRequest(service: string): Uint8Array {
  return Uint8Array.from(service === "" ? [] : bytesField(1, new TextEncoder().encode(service)));
}

/** `HealthCheckResponse { ServingStatus status = 1; }`: the last one counts, and fields of later versions are passed over. */
export function decodeHealthResponse(message: Uint8Array): ServingStatus {
  let status: ServingStatus = "UNKNOWN";
  try {
    readFields(message, {
      onVarint: (number, value) => {
        if (number === 1) status = statuses[value] ?? "UNKNOWN";
      },
    });
    return status;
  } catch (error) {
    if (error instanceof RangeError) return "UNKNOWN";
    throw error;
  }
}
