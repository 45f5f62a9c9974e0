import type { Message } from "@bufbuild/protobuf";
import type { GenMessage, GenService } from "@bufbuild/protobuf/codegenv2";
import { Health as generated } from "../../proto/gen/grpc/health/v1/health_pb.js";

/** Whose health is asked for: the name of a service, or `""` for the server as a whole. */
export type HealthCheckRequest = Message<"grpc.health.v1.HealthCheckRequest"> & { service: string };

/** One of `ServingStatus`. */
export type HealthCheckResponse = Message<"grpc.health.v1.HealthCheckResponse"> & { status: number };

/** The values of `HealthCheckResponse.status`, by their names in health.proto. */
export const ServingStatus = {
  UNKNOWN: 0,
  SERVING: 1,
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
