import type { Attributes } from "@opentelemetry/api";
import type { ChannelView, GlinkEvent } from "../../index.ts";
import { type Instrument, instruments, type MetricName } from "./catalog.ts";
import type { MetricChoice } from "./choice.ts";
import type { HistogramStore } from "./series.ts";

/** What an event measures. */
interface Latency {
  readonly name: MetricName;
  readonly ms: number;
  readonly attributes: Attributes;
}

const names: readonly MetricName[] = ["glink.connect.duration", "glink.drain.duration"];

/**
 * Records how long dials and drains took, from events. Where no such histogram is on, nobody listens: a transport whose
 * events are heard has to make them. Returns what ends it.
 */
export function recordLatencies(
  view: ChannelView,
  target: Attributes,
  { on }: MetricChoice,
  store: HistogramStore,
): () => void {
  if (!names.some((name) => on.has(name))) return () => undefined;
  return view.subscribe((event) => {
    const latency = latencyOf(event);
    if (latency === undefined || !on.has(latency.name) || !store.isReady) return;
    const attributes = { ...target, ...latency.attributes };
    store.series(instruments.get(latency.name) as Instrument, attributes).record(latency.ms / 1_000);
  });
}

function latencyOf(event: GlinkEvent): Latency | undefined {
  switch (event.type) {
    case "connected":
      return { name: "glink.connect.duration", ms: event.tookMs, attributes: { "glink.outcome": "success" } };
    case "connect-failed":
      return { name: "glink.connect.duration", ms: event.tookMs, attributes: { "glink.outcome": "failure" } };
    case "connection-drained":
      return { name: "glink.drain.duration", ms: event.tookMs, attributes: {} };
    default:
      return undefined;
  }
}
