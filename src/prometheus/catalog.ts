/** The names of all metrics, in the order in which they are written. Units and `_total` as OpenMetrics has them. */
export type MetricName =
  | "rpc_client_call_duration_seconds"
  | "grpc_client_attempt_duration_seconds"
  | "grpc_client_attempt_started_total"
  | "grpc_subchannel_connection_attempts_succeeded_total"
  | "grpc_subchannel_connection_attempts_failed_total"
  | "grpc_subchannel_disconnections_total"
  | "grpc_subchannel_open_connections"
  | "glink_calls_started_total"
  | "glink_calls_ended_total"
  | "glink_calls_open"
  | "glink_calls_queued"
  | "glink_pick_wait_seconds"
  | "glink_attempts_failed_total"
  | "glink_retries_total"
  | "glink_retries_withheld_total"
  | "glink_retry_delay_seconds_total"
  | "glink_retry_budget_available"
  | "glink_messages_sent_total"
  | "glink_messages_received_total"
  | "glink_message_sent_bytes_total"
  | "glink_message_received_bytes_total"
  | "glink_pool_backends"
  | "glink_pool_suspects"
  | "glink_connect_duration_seconds"
  | "glink_connections_retired_total"
  | "glink_connections_draining"
  | "glink_drain_duration_seconds"
  | "glink_drain_cut_calls_total"
  | "glink_pings_total"
  | "glink_resolve_lookups_total"
  | "glink_resolve_duration_seconds"
  | "glink_resolve_changes_total"
  | "glink_resolve_age_seconds"
  | "glink_backend_ready"
  | "glink_backend_calls_open"
  | "glink_backend_attempts_started_total"
  | "glink_backend_attempts_failed_total";

/** What a metric is. A summary has no quantiles: a sum and a count. */
export interface Metric {
  readonly name: MetricName;
  readonly type: "counter" | "gauge" | "histogram" | "summary";
  readonly help: string;
  /** What is shown of several transports to one target. */
  readonly merge: "sum" | "max" | "min";
}

type Entry = readonly [type: Metric["type"], help: string, merge?: Metric["merge"]];

const entries: Readonly<Record<MetricName, Entry>> = {
  rpc_client_call_duration_seconds: ["histogram", "Duration of calls, retries included"],
  grpc_client_attempt_duration_seconds: ["histogram", "Duration of attempts, with the wait for a backend"],
  grpc_client_attempt_started_total: ["counter", "Attempts started, those that have not ended included"],
  grpc_subchannel_connection_attempts_succeeded_total: ["counter", "Dials that succeeded"],
  grpc_subchannel_connection_attempts_failed_total: ["counter", "Dials that failed"],
  grpc_subchannel_disconnections_total: ["counter", "Connections that left service, by the reason (gRFC A94)"],
  grpc_subchannel_open_connections: ["gauge", "Connections in service"],
  glink_calls_started_total: ["counter", "Calls begun"],
  glink_calls_ended_total: ["counter", "Calls that have ended, by their status"],
  glink_calls_open: ["gauge", "Calls that have not ended"],
  glink_calls_queued: ["gauge", "Calls that wait for a backend"],
  glink_pick_wait_seconds: ["summary", "Waits of attempts for the resolver, a backend or a stream"],
  glink_attempts_failed_total: ["counter", "Attempts that failed, by kind of failure and by progress"],
  glink_retries_total: ["counter", "Attempts that repeated another one of their call"],
  glink_retries_withheld_total: ["counter", "Retries that the policy would have made"],
  glink_retry_delay_seconds_total: ["counter", "Waits before retries"],
  glink_retry_budget_available: ["gauge", "Retries that the budget allows now", "min"],
  glink_messages_sent_total: ["counter", "Messages sent by attempts"],
  glink_messages_received_total: ["counter", "Messages received by attempts"],
  glink_message_sent_bytes_total: ["counter", "Bytes of messages sent, as compressed"],
  glink_message_received_bytes_total: ["counter", "Bytes of messages received, as compressed"],
  glink_pool_backends: ["gauge", "Backends by connectivity state"],
  glink_pool_suspects: ["gauge", "Backends that left a call or a PING unanswered, and have not answered since"],
  glink_connect_duration_seconds: ["summary", "Duration of dials: TCP, TLS and the first SETTINGS"],
  glink_connections_retired_total: ["counter", "Connections taken out of service to end after their calls"],
  glink_connections_draining: ["gauge", "Retired connections that wait for their calls"],
  glink_drain_duration_seconds: ["summary", "Time that retired connections waited for their calls"],
  glink_drain_cut_calls_total: ["counter", "Calls that drainTimeoutMs cut"],
  glink_pings_total: ["counter", "PINGs that asked whether a peer lives"],
  glink_resolve_lookups_total: ["counter", "Answers and errors of the resolver"],
  glink_resolve_duration_seconds: ["summary", "Duration of lookups"],
  glink_resolve_changes_total: ["counter", "Backends that came and went in the resolver's answers"],
  glink_resolve_age_seconds: ["gauge", "Time since the resolver's last good answer", "max"],
  glink_backend_ready: ["gauge", "1 where a backend is connected"],
  glink_backend_calls_open: ["gauge", "Attempts that are open at a backend"],
  glink_backend_attempts_started_total: ["counter", "Attempts sent to a backend"],
  glink_backend_attempts_failed_total: ["counter", "Attempts that failed at a backend"],
};

/** All of them, in their order. */
export const catalog: readonly Metric[] = Object.entries(entries).map(([name, [type, help, merge = "sum"]]) => ({
  name: name as MetricName,
  type,
  help,
  merge,
}));
