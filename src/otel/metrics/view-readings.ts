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
    ...(choice.backendLabel ? backendReadings(snapshot, choice, reading) : poolReadings(snapshot, choice, reading)),
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

/** A backend that has left has none. */
function backendReadings(snapshot: GlinkSnapshot, choice: MetricChoice, reading: NewReading): Reading[] {
  const ofBackend = ({ address, ...one }: SubchannelSnapshot): Reading[] => {
    const peer = peerAttributes(address);
    const security = securityOf(snapshot, choice);
    return [
      reading("grpc.subchannel.connection_attempts_succeeded", one.dialsSucceeded, peer),
      reading("grpc.subchannel.connection_attempts_failed", one.dialsFailed, peer),
      reading("grpc.subchannel.open_connections", one.connections.length, { ...security, ...peer }),
      reading("glink.calls.open", one.openCalls, peer),
      reading("glink.backend.attempts.started", one.callsStarted, peer),
      reading("glink.backend.attempts.failed", one.callsFailed, peer),
    ];
  };
  return snapshot.subchannels.flatMap(ofBackend);
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

/** In seconds; none where the resolver has not answered yet. */
function ageOf({ takenAtMs, resolution }: GlinkSnapshot): number[] {
  const { lastSuccessAtMs } = resolution;
  return lastSuccessAtMs === undefined ? [] : [(takenAtMs - lastSuccessAtMs) / 1_000];
}
