import type { MeterProvider, TextMapPropagator, TracerProvider } from "@opentelemetry/api";
import type { CallStart } from "../index.ts";
import { checkBoolean, checkFields, checkFilter, checkList, checkMethods, checkObject, checkOneOf } from "./check.ts";
import { type Convention, conventions } from "./conventions.ts";
import { instruments, type MetricName } from "./metrics/catalog.ts";
import { chosenMetrics, type MetricChoice, type OptionalLabel, optionalLabels } from "./metrics/choice.ts";
import { spanNames } from "./tracing/span-names.ts";
import type { AttemptSpans, TracingSettings } from "./tracing/tracing-parts.ts";

/** What is measured. */
export interface MetricOptions {
  /**
   * Whose names metrics have: OpenTelemetry's (`rpc.client.call.duration`) or those of gRPC's other languages
   * (`grpc.client.call.duration` and four more). One, or a list of both. With `"grpc"` alone, spans have the names of gRFC
   * A72, too. Default: `"semconv"`.
   */
  conventions?: Convention | readonly Convention[];
  /** Turns single metrics on and off, by name. docs/opentelemetry.md lists them, with what is on by default. */
  metrics?: Partial<Record<MetricName, boolean>>;
  /** Labels that are off by default, because each of their values is a series. Default: none. */
  optionalLabels?: readonly OptionalLabel[];
  /**
   * Counters and gauges of connections and open calls for each backend, by `network.peer.address` and `.port`. Every pod
   * of every deploy is a series then, until it leaves. Never on histograms. Default: false.
   */
  backendLabel?: boolean;
  /** Whether a call is followed: called as it begins, in its caller's async context. Default: every call is. */
  filter?: (call: CallStart) => boolean;
}

/** What is published, and where. */
export interface OpenTelemetryOptions extends MetricOptions {
  /** Makes the spans; false: there are none. Default: the one that is registered with OpenTelemetry's API. */
  tracerProvider?: TracerProvider | false;
  /** Takes the metrics; false: there are none. Default: the one that is registered with OpenTelemetry's API. */
  meterProvider?: MeterProvider | false;
  /**
   * Writes the trace's context, and what else its caller's async context carries, into the headers of each attempt;
   * false: nothing is written. Default: the one that is registered with OpenTelemetry's API.
   */
  propagator?: TextMapPropagator | false;
  /**
   * Which attempts have spans of their own: `"retries"`, those that repeat another one; `"always"`, as gRFC A72 has it;
   * `false`, none. The others are their call's span, and its events say how they failed. Default: `"retries"`.
   */
  attemptSpans?: AttemptSpans;
  /** Headers of the request that spans show, as `rpc.request.metadata.<name>`. Default: none. */
  requestMetadata?: readonly string[];
  /**
   * Spans of calls that failed show texts that are not glink's, and may say anything: the message of the server's status,
   * the reason of a signal, what was wrong with a message. Without it they show the code. Default: false.
   */
  statusMessages?: boolean;
}

const metricNames: Readonly<Record<keyof MetricOptions, true>> = {
  conventions: true,
  metrics: true,
  optionalLabels: true,
  backendLabel: true,
  filter: true,
};

const ownNames: Readonly<Record<Exclude<keyof OpenTelemetryOptions, keyof MetricOptions>, true>> = {
  tracerProvider: true,
  meterProvider: true,
  propagator: true,
  attemptSpans: true,
  requestMetadata: true,
  statusMessages: true,
};

/** Metric options with their defaults. */
export interface MetricSettings {
  readonly choice: MetricChoice;
  readonly conventions: readonly Convention[];
  readonly filter: ((call: CallStart) => boolean) | undefined;
}

/** Options with their defaults. */
export interface OpenTelemetrySettings {
  readonly metrics: MetricSettings;
  readonly meterProvider: MeterProvider | undefined | false;
  readonly tracing: TracingSettings;
}

/** Throws a TypeError that names the option and says what it may be. */
export function checkOptions(given: OpenTelemetryOptions): OpenTelemetrySettings {
  const fields = { ...metricNames, ...ownNames };
  checkFields("options", checkObject("options", given), Object.keys(fields));
  const { tracerProvider, meterProvider, propagator } = given;
  for (const [name, value, method] of [
    ["tracerProvider", tracerProvider, "getTracer"],
    ["meterProvider", meterProvider, "getMeter"],
    ["propagator", propagator, "inject"],
  ] as const) {
    if (value !== undefined && value !== false) checkMethods(name, value, method);
  }
  if (tracerProvider === false && meterProvider === false && propagator === false) {
    throw new TypeError("tracerProvider, meterProvider and propagator are all false: there is nothing to do");
  }
  const metrics = metricSettings(given, false);
  return {
    metrics,
    meterProvider,
    tracing: {
      tracerProvider,
      propagator,
      names: spanNames[metrics.conventions.includes("semconv") ? "semconv" : "grpc"],
      attemptSpans: checkOneOf("attemptSpans", given.attemptSpans ?? "retries", ["retries", "always", false]),
      requestMetadata: checkHeaderNames(given.requestMetadata ?? []),
      statusMessages: checkBoolean("statusMessages", given.statusMessages ?? false),
    },
  };
}

/** Throws a TypeError that names the option and says what it may be. */
export function checkMetricOptions(given: MetricOptions): MetricSettings {
  checkFields("options", checkObject("options", given), Object.keys(metricNames));
  return metricSettings(given, true);
}

function metricSettings(given: MetricOptions, allHistograms: boolean): MetricSettings {
  const { metrics = {}, filter } = given;
  checkFields("metrics", checkObject("metrics", metrics), [...instruments.keys()]);
  for (const [name, isOn] of Object.entries(metrics)) {
    if (isOn !== undefined) checkBoolean(`metrics["${name}"]`, isOn);
  }
  const chosen = given.conventions ?? "semconv";
  const list = typeof chosen === "string" ? [chosen] : checkList("conventions", chosen);
  for (const one of list) checkOneOf("conventions", one, conventions);
  if (list.length === 0) throw new TypeError('conventions is empty: use "semconv", "grpc" or a list of both');
  const labels = checkList("optionalLabels", given.optionalLabels ?? []);
  for (const one of labels) checkOneOf("optionalLabels", one, optionalLabels);
  const backendLabel = checkBoolean("backendLabel", given.backendLabel ?? false);
  const on = chosenMetrics(list, metrics, { allHistograms, backendLabel });
  return {
    choice: { on, labels: new Set(labels), backendLabel },
    conventions: list,
    filter: filter === undefined ? undefined : checkFilter(filter),
  };
}

function checkHeaderNames(names: readonly string[]): readonly string[] {
  return checkList("requestMetadata", names).map((name) => {
    if (typeof name === "string" && /^[\w!#$%&'*+.^`|~-]+$/.test(name)) return name.toLowerCase();
    throw new TypeError(`requestMetadata must be names of headers, and ${JSON.stringify(name)} is none`);
  });
}
