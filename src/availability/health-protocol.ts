import type { MethodSpec } from "../base/method-spec.ts";

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

/** Wire types of protobuf. */
const wire = { varint: 0, fixed64: 1, bytes: 2, fixed32: 5 } as const;

/** `HealthCheckRequest { string service = 1; }`. An empty string is the default, and not sent. */
export function encodeHealthRequest(service: string): Uint8Array {
  if (service === "") return new Uint8Array(0);
  const name = new TextEncoder().encode(service);
  return Uint8Array.of((1 << 3) | wire.bytes, ...varint(name.length), ...name);
}

/** `HealthCheckResponse { ServingStatus status = 1; }`: the last one counts, and fields of later versions are passed over. */
export function decodeHealthResponse(message: Uint8Array): ServingStatus {
  let status: ServingStatus = "UNKNOWN";
  let at = 0;
  const read = () => {
    let value = 0;
    for (let factor = 1; at < message.length; factor *= 128) {
      const byte = message[at++] as number;
      value += (byte & 127) * factor;
      if (byte < 128) break;
    }
    return value;
  };
  while (at < message.length) {
    const tag = read();
    const type = tag & 7;
    if (type === wire.varint) {
      const value = read();
      if (tag >> 3 === 1) status = statuses[value] ?? "UNKNOWN";
    } else if (type === wire.bytes) {
      const length = read();
      at += length;
    } else if (type === wire.fixed64) at += 8;
    else if (type === wire.fixed32) at += 4;
    else return "UNKNOWN";
  }
  return status;
}

function varint(value: number): number[] {
  const bytes: number[] = [];
  let left = value;
  for (; left > 127; left >>= 7) bytes.push((left & 127) | 128);
  return [...bytes, left];
}
