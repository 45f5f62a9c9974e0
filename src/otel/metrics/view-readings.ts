import type { Attributes } from "@opentelemetry/api";
import type { ChannelView, GlinkSnapshot, SubchannelSnapshot } from "../../index.ts";
import { peerAttributes } from "../peer.ts";
import type { MetricName } from "./catalog.ts";
import type { MetricChoice } from "./choice.ts";
import type { Reading } from "./series.ts";

/** Counters and gauges of one transport at this moment. `target`: the attributes of all of them. */
export function viewReadings(view: ChannelView, target: Attributes, choice: MetricChoice): Reading[] {
  const snapshot = view.snapshot();
  const reading = (name: MetricName, value: number, attributes: Attributes = {}): Reading => ({
    name,
    value,
    attributes: { ...target, ...attributes },
  });
  /** A reading for each key of the counts, which is the value of `label`. */
  const byLabel = (name: MetricName, label: string, counts: Readonly<Record<string, number>>) =>
    Object.entries(counts).map(([key, value]) => reading(name, value, { [label]: key }));
  const { calls, connections, lookups } = snapshot;
  return [
    ...Object.entries(calls.attemptsFailed).flatMap(([kind, byProgress]) =>
      Object.entries(byProgress).map(([progress, value]) =>
        reading("glink.attempts.failed", value, { "glink.failure.kind": kind, "glink.progress": progress }),
      ),
    ),
    ...byLabel("glink.retries", "glink.retry.cause", calls.retriesBy),
    ...byLabel("glink.retries.withheld", "glink.reason", calls.retriesWithheld),
    reading("glink.hedges", calls.hedges),
    ...byLabel("glink.calls.dropped", "glink.reason", calls.dropped),
    ...byLabel("glink.ejections", "glink.reason", snapshot.ejections),
    ...byLabel("glink.pool.left_out", "glink.availability", leftOutOf(snapshot)),
    reading("glink.pool.panic", Number(snapshot.panic)),
    ...byLabel("glink.connections.retired", "glink.reason", connections.retired),
    reading("glink.drain.cut_calls", connections.drains.cutCalls),
    ...byLabel("glink.pings", "glink.outcome", connections.pings),
    ...byLabel("glink.resolve.lookups", "glink.outcome", { success: lookups.succeeded, failure: lookups.failed }),
    ...byLabel("glink.resolve.changes", "glink.change", {
      added: lookups.addressesAdded,
      removed: lookups.addressesRemoved,
    }),
    ...disconnections(snapshot, choice, reading),
    ...byLabel("glink.pool.backends", "glink.state", statesOf(snapshot)),
    reading("glink.calls.queued", snapshot.queuedCalls),
    reading("glink.connections.draining", snapshot.draining.length),
    ...(snapshot.retryBudget === undefined
      ? []
      : [reading("glink.retry.budget.available", snapshot.retryBudget.available)]),
    ...ageOf(snapshot).map((age) => reading("glink.resolve.age", age)),
    ...(choice.backendLabel ? backendReadings(snapshot, target, choice) : poolReadings(snapshot, choice, reading)),
  ];
}

type NewReading = (name: MetricName, value: number, attributes?: Attributes) => Reading;

function disconnections({ connections }: GlinkSnapshot, { labels }: MetricChoice, reading: NewReading): Reading[] {
  const counts = Object.entries(connections.disconnections);
  if (labels.has("grpc.disconnect_error")) {
    return counts.map(([error, value]) =>
      reading("grpc.subchannel.disconnections", value, { "grpc.disconnect_error": error }),
    );
  }
  return [
    reading(
      "grpc.subchannel.disconnections",
      counts.reduce((sum, [, value]) => sum + value, 0),
    ),
  ];
}

/** Those that a label for the backend would split, as one. */
function poolReadings(snapshot: GlinkSnapshot, choice: MetricChoice, reading: NewReading): Reading[] {
  const { dials } = snapshot.connections;
  const open = snapshot.subchannels.reduce((sum, { connections }) => sum + connections.length, 0);
  return [
    reading("grpc.subchannel.connection_attempts_succeeded", dials.succeeded),
    reading("grpc.subchannel.connection_attempts_failed", dials.failed),
    reading("grpc.subchannel.open_connections", open, securityOf(snapshot, choice)),
    reading("glink.calls.open", snapshot.openCalls),
  ];
}

/** A backend that has left has none. One object of attributes for all metrics of a backend: there may be thousands. */
function backendReadings(snapshot: GlinkSnapshot, target: Attributes, choice: MetricChoice): Reading[] {
  const security = securityOf(snapshot, choice);
  const isPlain = Object.keys(security).length === 0;
  return snapshot.subchannels.flatMap((one: SubchannelSnapshot): Reading[] => {
    const peer = peerAttributes(one.address);
    const attributes = { ...target, ...peer };
    const ofConnections = isPlain ? attributes : { ...target, ...security, ...peer };
    return [
      { name: "grpc.subchannel.connection_attempts_succeeded", attributes, value: one.dialsSucceeded },
      { name: "grpc.subchannel.connection_attempts_failed", attributes, value: one.dialsFailed },
      { name: "grpc.subchannel.open_connections", attributes: ofConnections, value: one.connections.length },
      { name: "glink.calls.open", attributes, value: one.openCalls },
      { name: "glink.backend.attempts.started", attributes, value: one.callsStarted },
      { name: "glink.backend.attempts.failed", attributes, value: one.callsFailed },
    ];
  });
}

/** gRFC A94: TLS has both integrity and privacy. */
function securityOf({ target }: GlinkSnapshot, { labels }: MetricChoice): Attributes {
  if (!labels.has("grpc.security_level")) return {};
  return { "grpc.security_level": target.startsWith("https:") ? "privacy_and_integrity" : "none" };
}

/** With those of none: a series that goes away is taken for the value that it had last. */
function statesOf({ subchannels }: GlinkSnapshot): Record<string, number> {
  const states: Record<string, number> = { idle: 0, connecting: 0, ready: 0, "transient-failure": 0 };
  for (const { state } of subchannels) states[state] = (states[state] ?? 0) + 1;
  return states;
}

function leftOutOf({ subchannels }: GlinkSnapshot): Record<"suspect" | "unhealthy" | "ejected", number> {
  const counts = { suspect: 0, unhealthy: 0, ejected: 0 };
  for (const { availability } of subchannels) if (availability !== "usable") counts[availability]++;
  return counts;
}

/** In seconds; none where the resolver has not answered yet. */
function ageOf({ takenAtMs, resolution }: GlinkSnapshot): number[] {
  const { lastSuccessAtMs } = resolution;
  return lastSuccessAtMs === undefined ? [] : [(takenAtMs - lastSuccessAtMs) / 1_000];
}
