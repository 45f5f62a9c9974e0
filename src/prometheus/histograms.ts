import type { AttemptEnd, AttemptTracer, CallEnd, CallStart, CallTracer, Ending, Instrumentation } from "../index.ts";
import type { MetricName } from "./catalog.ts";
import { Histogram } from "./histogram.ts";
import type { Labels } from "./labels.ts";
import type { Sample } from "./samples.ts";
import { statusName } from "./status-names.ts";

/** OpenTelemetry's conventions for the durations of RPCs. */
const callBounds = [0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10];

/** gRFC A66. */
const attemptBounds = [
  ...[0, 0.00001, 0.00005, 0.0001, 0.0003, 0.0006, 0.0008, 0.001, 0.002, 0.003, 0.004, 0.005, 0.006, 0.008, 0.01],
  ...[0.013, 0.016, 0.02, 0.025, 0.03, 0.04, 0.05, 0.065, 0.08, 0.1, 0.13, 0.16, 0.2, 0.25, 0.3, 0.4, 0.5, 0.65],
  ...[0.8, 1, 2, 5, 10, 20, 50, 100],
];

/**
 * The latencies of calls and attempts, by method and status: the `instrumentation` of one transport or of several.
 * `prometheusText` and `promClientMetrics` show them when they are given it.
 */
export interface PrometheusHistograms extends Required<Pick<Instrumentation, "callStarted">> {
  /** What has been recorded so far. */
  samples(): readonly Sample[];
}

/** New histograms, without a value. */
export function prometheusHistograms(): PrometheusHistograms {
  return new CallHistograms();
}

class CallHistograms implements PrometheusHistograms {
  /** What has been recorded, by what the series are called. Transports to one target share theirs. */
  readonly #series = new Map<string, Series>();
  readonly #methods = new WeakMap<CallStart["method"], MethodLatencies>();

  callStarted(call: CallStart): CallTracer {
    let latencies = this.#methods.get(call.method);
    if (latencies === undefined) {
      latencies = new MethodLatencies(call, (metric, labels, bounds) => this.#histogram(metric, labels, bounds));
      this.#methods.set(call.method, latencies);
    }
    return latencies;
  }

  samples(): Sample[] {
    return [...this.#series.values()].flatMap(samplesOfSeries);
  }

  #histogram(metric: MetricName, labels: Labels, bounds: readonly number[]): Histogram {
    const key = `${metric} ${JSON.stringify(labels)}`;
    let series = this.#series.get(key);
    if (series === undefined) {
      series = { metric, labels, histogram: new Histogram(bounds) };
      this.#series.set(key, series);
    }
    return series.histogram;
  }
}

interface Series {
  readonly metric: MetricName;
  readonly labels: Labels;
  readonly histogram: Histogram;
}

type FindHistogram = (metric: MetricName, labels: Labels, bounds: readonly number[]) => Histogram;

/** Of one method through one transport. It keeps nothing of a single call, so it is the tracer of all of them. */
class MethodLatencies implements CallTracer {
  readonly #call: CallStart;
  readonly #find: FindHistogram;
  /** By code; that of success is the first. */
  readonly #calls: Histogram[] = [];
  readonly #attempts: Histogram[] = [];
  readonly #attemptTracer: AttemptTracer = { ended: (end) => this.#attemptEnded(end) };

  constructor(call: CallStart, find: FindHistogram) {
    this.#call = call;
    this.#find = find;
  }

  attemptStarted(): AttemptTracer {
    return this.#attemptTracer;
  }

  #attemptEnded({ code, durationMs }: AttemptEnd): void {
    const place = code ?? 0;
    this.#attempts[place] ??= this.#find(
      "grpc_client_attempt_duration_seconds",
      this.#attemptLabels(code),
      attemptBounds,
    );
    this.#attempts[place].record(durationMs / 1_000);
  }

  ended({ code, durationMs }: CallEnd): void {
    const place = code ?? 0;
    this.#calls[place] ??= this.#find("rpc_client_call_duration_seconds", this.#callLabels(code), callBounds);
    this.#calls[place].record(durationMs / 1_000);
  }

  get #method(): string {
    const { service, name } = this.#call.method;
    return `${service}/${name}`;
  }

  #attemptLabels(code: Ending["code"]): Labels {
    return { grpc_target: this.#call.grpcTarget, grpc_method: this.#method, grpc_status: statusName(code) };
  }

  #callLabels(code: Ending["code"]): Labels {
    const { serverAddress, serverPort } = this.#call;
    const status = statusName(code);
    return {
      rpc_system_name: this.#call.protocol === "connect" ? "connectrpc" : "grpc",
      rpc_method: this.#method,
      rpc_status_code: status,
      server_address: serverAddress,
      server_port: String(serverPort),
      ...(code === undefined ? {} : { error_type: status }),
    };
  }
}

/** Cumulative, as Prometheus has them. */
function samplesOfSeries({ metric, labels, histogram }: Series): Sample[] {
  let count = 0;
  const buckets = histogram.counts.map((ofBucket, i): Sample => {
    count += ofBucket;
    const bound = histogram.bounds[i];
    const le = bound === undefined ? "+Inf" : String(bound);
    return { metric, suffix: "_bucket", labels: { ...labels, le }, value: count };
  });
  return [
    ...buckets,
    { metric, suffix: "_sum", labels, value: histogram.sum },
    { metric, suffix: "_count", labels, value: count },
  ];
}
