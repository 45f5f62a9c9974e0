import type { Instrumentation } from "../index.ts";
import { BothTracers } from "./both-tracers.ts";
import { Metering } from "./metrics/metering.ts";
import { SdkMetrics } from "./metrics/sdk-metrics.ts";
import { checkOptions, type OpenTelemetryOptions } from "./options.ts";
import { untraced } from "./suppression.ts";
import { Tracing } from "./tracing/tracing.ts";

/**
 * Publishes calls with OpenTelemetry: a span for each, whose context goes to the server, and metrics of calls, attempts,
 * connections and the pool. For the option `instrumentation`, of one transport or of several. An SDK may be registered at
 * any time, before the transport is made at best; without one there are no spans and no metrics. Throws a TypeError for a
 * bad option.
 */
export function openTelemetry(options: OpenTelemetryOptions = {}): Instrumentation {
  const { metrics, meterProvider, tracing: settings } = checkOptions(options);
  const { choice, filter } = metrics;
  const isTraced = settings.tracerProvider !== false || settings.propagator !== false;
  const tracing = isTraced ? new Tracing(settings) : undefined;
  const metering =
    meterProvider === false ? undefined : new Metering(choice, (readable) => new SdkMetrics(meterProvider, readable));
  return {
    background: untraced,
    attach: (view) => metering?.attach(view) ?? (() => undefined),
    callStarted(call) {
      if (filter !== undefined && !filter(call)) return undefined;
      const traced = tracing?.callStarted(call);
      const measured = metering?.callStarted(call);
      if (traced === undefined || measured === undefined) return traced ?? measured;
      // A span processor of the user's may throw: that is no reason not to count.
      return new BothTracers(measured, traced);
    },
  };
}
