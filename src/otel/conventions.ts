import type { Code } from "@connectrpc/connect";
import type { ChannelNames } from "../index.ts";

/** Whose names and units metrics have, and spans with their events: OpenTelemetry's for RPC, or those of gRFC A66 and A72. */
export type Convention = "semconv" | "grpc";

export const conventions: readonly Convention[] = ["semconv", "grpc"];

/** The instrumentation scope of all that is published. */
export const scopeName = "glink";

/** The release of OpenTelemetry's semantic conventions that the names below are of. */
export const schemaUrl = "https://opentelemetry.io/schemas/1.45.0";

/** Copied, because the package of the semantic conventions is larger than glink and all its peers. */
export const rpcSystemName = "rpc.system.name";
export const rpcMethod = "rpc.method";
export const rpcStatusCode = "rpc.status_code";
export const rpcRequestMetadata = "rpc.request.metadata.";
export const errorType = "error.type";
export const serverAddress = "server.address";
export const serverPort = "server.port";
export const networkPeerAddress = "network.peer.address";
export const networkPeerPort = "network.peer.port";

/** gRFC A66. */
export const grpcTarget = "grpc.target";
export const grpcMethod = "grpc.method";
export const grpcStatus = "grpc.status";

/** By the number of the code. Not Connect's names: gRPC's are upper case, and its CANCELLED has two Ls. */
const statusNames: readonly string[] = [
  "OK",
  "CANCELLED",
  "UNKNOWN",
  "INVALID_ARGUMENT",
  "DEADLINE_EXCEEDED",
  "NOT_FOUND",
  "ALREADY_EXISTS",
  "PERMISSION_DENIED",
  "RESOURCE_EXHAUSTED",
  "FAILED_PRECONDITION",
  "ABORTED",
  "OUT_OF_RANGE",
  "UNIMPLEMENTED",
  "INTERNAL",
  "UNAVAILABLE",
  "DATA_LOSS",
  "UNAUTHENTICATED",
];

/** The name of a status; undefined is success. */
export function statusName(code: Code | undefined): string {
  return statusNames[code ?? 0] ?? "UNKNOWN";
}

/** What is on the wire, as the conventions name it: gRPC-Web is a form of gRPC. */
export function rpcSystemOf(protocol: ChannelNames["protocol"]): "grpc" | "connectrpc" {
  return protocol === "connect" ? "connectrpc" : "grpc";
}
