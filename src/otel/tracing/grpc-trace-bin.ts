import {
  type Context,
  isSpanContextValid,
  type SpanContext,
  type TextMapGetter,
  type TextMapPropagator,
  type TextMapSetter,
  trace,
} from "@opentelemetry/api";
import { isSuppressed } from "../suppression.ts";

const header = "grpc-trace-bin";

/** Version, then a field number before each of trace id, span id and flags. */
const length = 29;
const versionAt = 0;
const traceIdAt = 1;
const spanIdAt = 18;
const flagsAt = 27;

/**
 * A propagator for servers that read OpenCensus' `grpc-trace-bin` and no `traceparent`: gRFC A72's migration, for gRPC
 * services that were instrumented with OpenCensus. It carries no trace state and no baggage. For both kinds of servers:
 * `new CompositePropagator({ propagators: [new W3CTraceContextPropagator(), grpcTraceBin()] })`.
 */
export function grpcTraceBin(): TextMapPropagator {
  return { inject, extract, fields: () => [header] };
}

function inject(context: Context, carrier: unknown, setter: TextMapSetter): void {
  const span = trace.getSpanContext(context);
  if (span === undefined || !isSpanContextValid(span) || isSuppressed(context)) return;
  const bytes = Buffer.alloc(length);
  bytes[traceIdAt] = 0;
  bytes.write(span.traceId, traceIdAt + 1, "hex");
  bytes[spanIdAt] = 1;
  bytes.write(span.spanId, spanIdAt + 1, "hex");
  bytes[flagsAt] = 2;
  bytes[flagsAt + 1] = span.traceFlags;
  // Binary metadata is base64 without padding.
  setter.set(carrier, header, bytes.toString("base64").replaceAll("=", ""));
}

function extract(context: Context, carrier: unknown, getter: TextMapGetter): Context {
  const value = getter.get(carrier, header);
  const span = typeof value === "string" ? parse(Buffer.from(value, "base64")) : undefined;
  return span === undefined ? context : trace.setSpanContext(context, span);
}

/** Undefined where the bytes are anything else than what {@link inject} writes. */
function parse(bytes: Buffer): SpanContext | undefined {
  const isKnown =
    bytes.length === length &&
    bytes[versionAt] === 0 &&
    bytes[traceIdAt] === 0 &&
    bytes[spanIdAt] === 1 &&
    bytes[flagsAt] === 2;
  if (!isKnown) return undefined;
  const span: SpanContext = {
    traceId: bytes.toString("hex", traceIdAt + 1, spanIdAt),
    spanId: bytes.toString("hex", spanIdAt + 1, flagsAt),
    traceFlags: bytes[flagsAt + 1] as number,
    isRemote: true,
  };
  return isSpanContextValid(span) ? span : undefined;
}
