import type { SubchannelSnapshot } from "../index.ts";
import type { MetricName } from "./catalog.ts";
import { escaped, type LabelSet, type Labels } from "./labels.ts";

/** A metric with a value for each backend. */
export type BackendMetric = Extract<MetricName, `glink_backend_${string}`>;

/** What is read of a backend, by the metric that shows it. */
const readings: Readonly<Record<BackendMetric, (subchannel: SubchannelSnapshot) => number>> = {
  glink_backend_ready: ({ state }) => Number(state === "ready"),
  glink_backend_calls_open: ({ openCalls }) => openCalls,
  glink_backend_attempts_started_total: ({ callsStarted }) => callsStarted,
  glink_backend_attempts_failed_total: ({ callsFailed }) => callsFailed,
};

/** One backend: the labels of all its metrics, and what transports to one target know of it. */
interface BackendRow {
  readonly labels: LabelSet;
  readonly first: SubchannelSnapshot;
  /** Of further transports. */
  others: SubchannelSnapshot[] | undefined;
}

/**
 * The metrics of backends: all are sums over the transports to one target. There may be thousands of backends, so nothing
 * is made for each value of theirs.
 */
export class BackendRows {
  /** By target and address. */
  readonly #rows = new Map<string, Map<string, BackendRow>>();

  add(target: string, subchannels: readonly SubchannelSnapshot[]): void {
    const rows = this.#rows.get(target) ?? new Map<string, BackendRow>();
    this.#rows.set(target, rows);
    for (const subchannel of subchannels) {
      const { address } = subchannel;
      const row = rows.get(address);
      if (row !== undefined) row.others = [...(row.others ?? []), subchannel];
      else rows.set(address, { labels: new PeerLabels(target, address), first: subchannel, others: undefined });
    }
  }

  has(metric: MetricName): metric is BackendMetric {
    return metric in readings;
  }

  /** Backends, each once for its target. */
  get count(): number {
    let count = 0;
    for (const { size } of this.#rows.values()) count += size;
    return count;
  }

  /** Calls `visit` with each backend's value. */
  each(metric: BackendMetric, visit: (suffix: "", labels: LabelSet, value: number) => void): void {
    const read = readings[metric];
    for (const rows of this.#rows.values()) {
      for (const { labels, first, others } of rows.values()) {
        let value = read(first);
        if (others !== undefined) for (const other of others) value += read(other);
        visit("", labels, value);
      }
    }
  }
}

/** The labels of one backend. Only prom-client wants them as an object. */
class PeerLabels implements LabelSet {
  readonly text: string;
  readonly #target: string;
  readonly #host: string;
  readonly #port: string | undefined;

  constructor(target: string, address: string) {
    const [host, port] = hostAndPort(address);
    this.#target = target;
    this.#host = host;
    this.#port = port;
    const ofPort = port === undefined ? "" : `",network_peer_port="${port}`;
    this.text = `{grpc_target="${escaped(target)}",network_peer_address="${escaped(host)}${ofPort}"}`;
  }

  get labels(): Labels {
    const labels = { grpc_target: this.#target, network_peer_address: this.#host };
    return this.#port === undefined ? labels : { ...labels, network_peer_port: this.#port };
  }
}

/** A backend of several addresses has them all as its address, and no port; so has a socket of Unix. */
function hostAndPort(address: string): [host: string, port: string | undefined] {
  const colon = address.lastIndexOf(":");
  const port = address.slice(colon + 1);
  if (colon === -1 || !/^\d+$/.test(port) || address.includes(",")) return [address, undefined];
  const host = address.slice(0, colon);
  return [host.startsWith("[") && host.endsWith("]") ? host.slice(1, -1) : host, port];
}
