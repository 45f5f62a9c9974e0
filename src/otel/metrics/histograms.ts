import type { Attributes } from "@opentelemetry/api";
import type { AttemptEnd, CallEnd, ChannelNames } from "../../index.ts";
import {
  errorType,
  grpcMethod,
  grpcStatus,
  grpcTarget,
  rpcMethod,
  rpcStatusCode,
  rpcSystemName,
  rpcSystemOf,
  serverAddress,
  serverPort,
} from "../conventions.ts";
import type { MetricName } from "./catalog.ts";

/** The name of a method, and those of what it is called on. */
export interface MethodLabels {
  /** `package.Service/Method`. */
  readonly method: string;
  readonly channel: ChannelNames;
}

/** What a histogram records of calls or attempts that ended. */
export interface EndHistogram<E> {
  readonly name: MetricName;
  /** Undefined: of this one, nothing. */
  readonly valueOf: (end: E) => number | undefined;
  /** `status`: undefined for a histogram that does not tell them apart. */
  readonly byStatus: boolean;
  readonly attributes: (labels: MethodLabels, status: string) => Attributes;
}

/** Nothing is recorded of calls that had none (gRFC A96). */
const ofSome = (value: number) => (value === 0 ? undefined : value);

export const callHistograms: readonly EndHistogram<CallEnd>[] = [
  {
    name: "rpc.client.call.duration",
    valueOf: ({ durationMs }) => durationMs / 1_000,
    byStatus: true,
    // In the order into which the SDK sorts them for every value.
    attributes: ({ method, channel }, status) => ({
      ...(status === "OK" ? {} : { [errorType]: status }),
      [rpcMethod]: method,
      [rpcStatusCode]: status,
      [rpcSystemName]: rpcSystemOf(channel.protocol),
      [serverAddress]: channel.serverAddress,
      [serverPort]: channel.serverPort,
    }),
  },
  { name: "grpc.client.call.duration", valueOf: ({ durationMs }) => durationMs / 1_000, ...byStatus() },
  {
    name: "grpc.client.call.retries",
    valueOf: ({ attempts, hedges }) => ofSome(Math.max(0, attempts - hedges - 1)),
    ...byMethod(),
  },
  { name: "grpc.client.call.transparent_retries", valueOf: (end) => ofSome(end.transparentRetries), ...byMethod() },
  { name: "grpc.client.call.hedges", valueOf: ({ hedges }) => ofSome(hedges), ...byMethod() },
  { name: "grpc.client.call.retry_delay", valueOf: (end) => ofSome(end.retryDelayMs / 1_000), ...byMethod() },
];

export const attemptHistograms: readonly EndHistogram<AttemptEnd>[] = [
  { name: "grpc.client.attempt.duration", valueOf: ({ durationMs }) => durationMs / 1_000, ...byStatus() },
  {
    name: "grpc.client.attempt.sent_total_compressed_message_size",
    valueOf: ({ bytesSent }) => bytesSent,
    ...byStatus(),
  },
  {
    name: "grpc.client.attempt.rcvd_total_compressed_message_size",
    valueOf: ({ bytesReceived }) => bytesReceived,
    ...byStatus(),
  },
];

/** gRFC A66's labels of what has a status. */
function byStatus(): Pick<EndHistogram<unknown>, "byStatus" | "attributes"> {
  return {
    byStatus: true,
    attributes: (labels, status) => ({ ...methodAttributes(labels), [grpcStatus]: status }),
  };
}

function byMethod(): Pick<EndHistogram<unknown>, "byStatus" | "attributes"> {
  return { byStatus: false, attributes: methodAttributes };
}

/** gRFC A66's labels of what belongs to a method. */
export function methodAttributes({ method, channel }: MethodLabels): Attributes {
  return { [grpcMethod]: method, [grpcTarget]: channel.grpcTarget };
}
