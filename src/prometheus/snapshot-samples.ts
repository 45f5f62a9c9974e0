import type { GlinkSnapshot, SubchannelSnapshot } from "../index.ts";
import type { MetricName } from "./catalog.ts";
import type { Labels } from "./labels.ts";
import type { Families, Suffix } from "./samples.ts";
import { okName, statusName } from "./status-names.ts";

/** Adds the counters and gauges of one transport at one moment. */
export function readSnapshot(snapshot: GlinkSnapshot, backendLabel: boolean, families: Families): void {
  const reader = new SnapshotReader(snapshot, families);
  reader.calls();
  reader.retries();
  reader.connections();
  reader.availability();
  reader.resolver();
  if (backendLabel) families.backends.add(snapshot.grpcTarget, snapshot.subchannels);
}

class SnapshotReader {
  readonly #snapshot: GlinkSnapshot;
  readonly #families: Families;
  readonly #target: Labels;

  constructor(snapshot: GlinkSnapshot, families: Families) {
    this.#snapshot = snapshot;
    this.#families = families;
    this.#target = { grpc_target: snapshot.grpcTarget };
  }

  calls(): void {
    const { calls, openCalls, queuedCalls } = this.#snapshot;
    this.#add("grpc_client_attempt_started_total", calls.attempts);
    this.#add("glink_calls_started_total", calls.started);
    this.#add("glink_calls_ended_total", calls.succeeded, { grpc_status: okName });
    for (const [code, count] of Object.entries(calls.failed)) {
      this.#add("glink_calls_ended_total", count, { grpc_status: statusName(code) });
    }
    this.#add("glink_calls_open", openCalls);
    this.#add("glink_calls_queued", queuedCalls);
    for (const [reason, count] of Object.entries(calls.waits)) {
      const ms = calls.waitMs[reason as keyof typeof calls.waits];
      this.#addTimes("glink_pick_wait_seconds", ms, count, { glink_wait_reason: reason });
    }
    for (const [kind, counts] of Object.entries(calls.attemptsFailed)) {
      for (const [progress, count] of Object.entries(counts)) {
        this.#add("glink_attempts_failed_total", count, { glink_failure_kind: kind, glink_progress: progress });
      }
    }
    this.#add("glink_messages_sent_total", calls.messagesSent);
    this.#add("glink_messages_received_total", calls.messagesReceived);
    this.#add("glink_message_sent_bytes_total", calls.bytesSent);
    this.#add("glink_message_received_bytes_total", calls.bytesReceived);
  }

  retries(): void {
    const { calls, retryBudget } = this.#snapshot;
    this.#addEach("glink_retries_total", "glink_retry_cause", calls.retriesBy);
    this.#addEach("glink_retries_withheld_total", "glink_reason", calls.retriesWithheld);
    this.#add("glink_hedges_total", calls.hedges);
    this.#addEach("glink_calls_dropped_total", "glink_reason", calls.dropped);
    this.#add("glink_retry_delay_seconds_total", seconds(calls.retryDelayMs));
    if (retryBudget !== undefined) this.#add("glink_retry_budget_available", retryBudget.available);
  }

  connections(): void {
    const { connections, subchannels, draining, target } = this.#snapshot;
    const { dials, drains } = connections;
    this.#add("grpc_subchannel_connection_attempts_succeeded_total", dials.succeeded);
    this.#add("grpc_subchannel_connection_attempts_failed_total", dials.failed);
    this.#addEach("grpc_subchannel_disconnections_total", "grpc_disconnect_error", connections.disconnections);
    const open = subchannels.reduce((sum, { connections: { length } }) => sum + length, 0);
    this.#add("grpc_subchannel_open_connections", open, {
      // gRFC A94: TLS has both.
      grpc_security_level: target.startsWith("https:") ? "privacy_and_integrity" : "none",
    });
    this.#addEach("glink_pool_backends", "glink_state", statesOf(subchannels));
    this.#addTimes("glink_connect_duration_seconds", dials.succeededMs, dials.succeeded, success);
    this.#addTimes("glink_connect_duration_seconds", dials.failedMs, dials.failed, failure);
    this.#addEach("glink_connections_retired_total", "glink_reason", connections.retired);
    this.#add("glink_connections_draining", draining.length);
    this.#addTimes("glink_drain_duration_seconds", drains.durationMs, drains.count);
    this.#add("glink_drain_cut_calls_total", drains.cutCalls);
    this.#addEach("glink_pings_total", "glink_outcome", { ...connections.pings });
  }

  availability(): void {
    const { subchannels, panic, ejections } = this.#snapshot;
    const leftOut = { suspect: 0, unhealthy: 0, ejected: 0 };
    for (const { availability } of subchannels) if (availability !== "usable") leftOut[availability]++;
    this.#add("glink_pool_suspects", leftOut.suspect);
    this.#addEach("glink_pool_left_out", "glink_availability", leftOut);
    this.#add("glink_pool_panic", Number(panic));
    this.#addEach("glink_ejections_total", "glink_reason", ejections);
  }

  resolver(): void {
    const { lookups, resolution, takenAtMs } = this.#snapshot;
    this.#add("glink_resolve_lookups_total", lookups.succeeded, success);
    this.#add("glink_resolve_lookups_total", lookups.failed, failure);
    this.#addTimes("glink_resolve_duration_seconds", lookups.succeededMs, lookups.succeeded, success);
    this.#addTimes("glink_resolve_duration_seconds", lookups.failedMs, lookups.failed, failure);
    const changes = { added: lookups.addressesAdded, removed: lookups.addressesRemoved };
    this.#addEach("glink_resolve_changes_total", "glink_change", changes);
    const { lastSuccessAtMs } = resolution;
    if (lastSuccessAtMs !== undefined) this.#add("glink_resolve_age_seconds", seconds(takenAtMs - lastSuccessAtMs));
  }

  #add(metric: MetricName, value: number, labels: Labels = {}, suffix: Suffix = ""): void {
    this.#families.add({ metric, suffix, labels: { ...this.#target, ...labels }, value });
  }

  /** A value for each key of the counts, which is the value of `label`. */
  #addEach(metric: MetricName, label: string, counts: Readonly<Record<string, number>>): void {
    for (const [key, value] of Object.entries(counts)) this.#add(metric, value, { [label]: key });
  }

  #addTimes(metric: MetricName, ms: number, count: number, labels: Labels = {}): void {
    this.#add(metric, seconds(ms), labels, "_sum");
    this.#add(metric, count, labels, "_count");
  }
}

const success: Labels = { glink_outcome: "success" };
const failure: Labels = { glink_outcome: "failure" };

function seconds(ms: number): number {
  return ms / 1_000;
}

/** With those of none: a series that goes away is taken for the value that it had last. */
function statesOf(subchannels: readonly SubchannelSnapshot[]): Record<string, number> {
  const states: Record<string, number> = { idle: 0, connecting: 0, ready: 0, "transient-failure": 0 };
  for (const { state } of subchannels) states[state] = (states[state] ?? 0) + 1;
  return states;
}
