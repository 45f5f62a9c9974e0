/** A metric, as OpenTelemetry's conventions, gRPC's proposals (A66, A94, A96) or glink call it. */
export type MetricName =
  | "rpc.client.call.duration"
  | "grpc.client.call.duration"
  | "grpc.client.attempt.duration"
  | "grpc.client.attempt.sent_total_compressed_message_size"
  | "grpc.client.attempt.rcvd_total_compressed_message_size"
  | "grpc.client.call.retries"
  | "grpc.client.call.transparent_retries"
  | "grpc.client.call.retry_delay"
  | "glink.pick.wait"
  | "glink.connect.duration"
  | "glink.drain.duration"
  | "grpc.client.attempt.started"
  | "grpc.subchannel.connection_attempts_succeeded"
  | "grpc.subchannel.connection_attempts_failed"
  | "grpc.subchannel.disconnections"
  | "grpc.subchannel.open_connections"
  | "glink.pool.backends"
  | "glink.calls.open"
  | "glink.calls.queued"
  | "glink.attempts.failed"
  | "glink.retries"
  | "glink.retries.withheld"
  | "glink.retry.budget.available"
  | "glink.connections.retired"
  | "glink.connections.draining"
  | "glink.drain.cut_calls"
  | "glink.resolve.lookups"
  | "glink.resolve.changes"
  | "glink.resolve.age"
  | "glink.pings"
  | "glink.backend.attempts.started"
  | "glink.backend.attempts.failed";

/** What an instrument is called, and what it counts in. */
export interface Instrument {
  readonly name: MetricName;
  /** `sum` goes up and down, and is added up over transports as counters are; a gauge is not. */
  readonly kind: "histogram" | "counter" | "sum" | "gauge";
  readonly unit: string;
  readonly description: string;
  /** Upper bounds of a histogram's buckets. */
  readonly bounds: readonly number[];
}

/** gRFC A66. */
const grpcSeconds: readonly number[] = [
  ...[0, 0.00001, 0.00005, 0.0001, 0.0003, 0.0006, 0.0008, 0.001, 0.002, 0.003, 0.004, 0.005, 0.006, 0.008, 0.01],
  ...[0.013, 0.016, 0.02, 0.025, 0.03, 0.04, 0.05, 0.065, 0.08, 0.1, 0.13, 0.16, 0.2, 0.25, 0.3, 0.4, 0.5, 0.65],
  ...[0.8, 1, 2, 5, 10, 20, 50, 100],
];
const grpcBytes: readonly number[] = [0, ...[10, 11, 12, 14, 16, 18, 20, 22, 24, 26, 28, 30, 32].map((n) => 2 ** n)];

/** gRFC A96. */
const fewRetries: readonly number[] = [1, 2, 3, 4, 5];

/** OpenTelemetry's conventions for the durations of RPCs. */
const rpcSeconds: readonly number[] = [0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10];

/** Kind, unit, description and, of a histogram, its bounds. */
type Entry = readonly [Instrument["kind"], string, string, (readonly number[])?];

const entries: Readonly<Record<MetricName, Entry>> = {
  "rpc.client.call.duration": ["histogram", "s", "Duration of calls, retries included", rpcSeconds],
  "grpc.client.call.duration": ["histogram", "s", "Duration of calls, retries included", grpcSeconds],
  "grpc.client.attempt.duration": ["histogram", "s", "Duration of attempts, with the wait for a backend", grpcSeconds],
  "grpc.client.attempt.sent_total_compressed_message_size": [
    "histogram",
    "By",
    "Bytes of the request messages of an attempt, as compressed",
    grpcBytes,
  ],
  "grpc.client.attempt.rcvd_total_compressed_message_size": [
    "histogram",
    "By",
    "Bytes of the response messages of an attempt, as compressed",
    grpcBytes,
  ],
  "grpc.client.call.retries": ["histogram", "{retry}", "Retries of calls that had any", fewRetries],
  "grpc.client.call.transparent_retries": [
    "histogram",
    "{transparent_retry}",
    "Transparent retries of calls that had any",
    [...fewRetries, 10],
  ],
  "grpc.client.call.retry_delay": ["histogram", "s", "Time of calls without an attempt under way", grpcSeconds],
  "glink.pick.wait": ["histogram", "s", "Waits of attempts for the resolver, a backend or a stream", grpcSeconds],
  "glink.connect.duration": ["histogram", "s", "Duration of dials: TCP, TLS and the first SETTINGS", grpcSeconds],
  "glink.drain.duration": ["histogram", "s", "Time that retired connections waited for their calls", grpcSeconds],
  "grpc.client.attempt.started": ["counter", "{attempt}", "Attempts started, those that have not ended included"],
  "grpc.subchannel.connection_attempts_succeeded": ["counter", "{attempt}", "Dials that succeeded"],
  "grpc.subchannel.connection_attempts_failed": ["counter", "{attempt}", "Dials that failed"],
  "grpc.subchannel.disconnections": ["counter", "{disconnection}", "Connections that left service"],
  "grpc.subchannel.open_connections": ["sum", "{connection}", "Connections in service"],
  "glink.pool.backends": ["sum", "{backend}", "Backends by connectivity state"],
  "glink.calls.open": ["sum", "{call}", "Calls that have not ended"],
  "glink.calls.queued": ["sum", "{call}", "Calls that wait for a backend"],
  "glink.attempts.failed": ["counter", "{attempt}", "Attempts that failed, by kind of failure and progress"],
  "glink.retries": ["counter", "{retry}", "Attempts that repeated another one of their call"],
  "glink.retries.withheld": ["counter", "{retry}", "Retries that the policy would have made"],
  "glink.retry.budget.available": ["gauge", "{retry}", "Retries that the budget allows now"],
  "glink.connections.retired": ["counter", "{connection}", "Connections taken out of service to end after their calls"],
  "glink.connections.draining": ["sum", "{connection}", "Retired connections that wait for their calls"],
  "glink.drain.cut_calls": ["counter", "{call}", "Calls that drainTimeoutMs cut"],
  "glink.resolve.lookups": ["counter", "{lookup}", "Answers and errors of the resolver"],
  "glink.resolve.changes": ["counter", "{address}", "Backends that came and went in the resolver's answers"],
  "glink.resolve.age": ["gauge", "s", "Time since the resolver's last good answer"],
  "glink.pings": ["counter", "{ping}", "PINGs that asked whether a peer lives"],
  "glink.backend.attempts.started": ["counter", "{attempt}", "Attempts sent to a backend"],
  "glink.backend.attempts.failed": ["counter", "{attempt}", "Attempts that failed at a backend"],
};

/** All of them, by name. */
export const instruments: ReadonlyMap<string, Instrument> = new Map(
  Object.entries(entries).map(([name, [kind, unit, description, bounds = []]]): [string, Instrument] => [
    name,
    { name: name as MetricName, kind, unit, description, bounds },
  ]),
);
