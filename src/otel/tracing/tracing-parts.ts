import type { Attributes, TextMapPropagator, Tracer, TracerProvider } from "@opentelemetry/api";
import type { Inject } from "./propagation.ts";
import type { SpanNames } from "./span-names.ts";

/** Which attempts have spans of their own: all but a call's first, all, or none. */
export type AttemptSpans = "retries" | "always" | false;

/** How calls are traced. */
export interface TracingSettings {
  /** Undefined: the one that is registered with OpenTelemetry's API. False: no spans. */
  readonly tracerProvider: TracerProvider | undefined | false;
  readonly propagator: TextMapPropagator | undefined | false;
  readonly names: SpanNames;
  readonly attemptSpans: AttemptSpans;
  /** Lower case. */
  readonly requestMetadata: readonly string[];
  readonly statusMessages: boolean;
}

/** What all calls are traced with. */
export interface TracingParts {
  /** Undefined: there are no spans. */
  readonly tracer: Tracer | undefined;
  readonly inject: Inject;
  readonly settings: TracingSettings;
}

/** What the spans of a method have in common. */
export interface TracedMethod {
  readonly name: string;
  readonly attemptName: string;
  /** Those that samplers see. */
  readonly attributes: Attributes;
}
