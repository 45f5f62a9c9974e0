import type { Message } from "@bufbuild/protobuf";
import type { GenMessage, GenService } from "@bufbuild/protobuf/codegenv2";
import { Health as generated } from "../../proto/gen/grpc/health/v1/health_pb.js";

/** Whose health is asked for. */
export type HealthCheckRequest = Message<"grpc.health.v1.HealthCheckRequest"> & {
  /** The full name of a service, or `""` for the server as a whole. */
  service: string;
};

/** How the service is. */
export type HealthCheckResponse = Message<"grpc.health.v1.HealthCheckResponse"> & {
  /** One of {@link ServingStatus}. */
  status: number;
};

/** The values of `HealthCheckResponse.status`, by their names in health.proto. */
export const ServingStatus = {
  /** The server does not know. */
  UNKNOWN: 0,
  /** Calls are welcome. */
  SERVING: 1,
  /** Calls are not: it begins, ends, or lacks what it needs. */
  NOT_SERVING: 2,
  /** Of Watch alone: Check says NotFound. */
  SERVICE_UNKNOWN: 3,
} as const;

/**
 * `grpc.health.v1.Health`, for Connect's `createClient` and for routers: what protoc-gen-es makes of gRPC's health.proto,
 * so that nobody has to generate it.
 */
export const Health: GenService<{
  check: {
    methodKind: "unary";
    input: GenMessage<HealthCheckRequest>;
    output: GenMessage<HealthCheckResponse>;
  };
  watch: {
    methodKind: "server_streaming";
    input: GenMessage<HealthCheckRequest>;
    output: GenMessage<HealthCheckResponse>;
  };
}> = generated;
