import { type Context, context, createContextKey, ROOT_CONTEXT } from "@opentelemetry/api";

/** The key by which OpenTelemetry's SDK knows that nothing is to be traced. Keys are equal when their texts are. */
const suppressed: symbol = createContextKey("OpenTelemetry SDK Context Key SUPPRESS_TRACING");

export function isSuppressed(given: Context): boolean {
  return given.getValue(suppressed) === true;
}

/** Runs `work` in no trace, and what it does is not traced: by the instrumentations of node:net and node:dns, say. */
export function untraced<T>(work: () => T): T {
  return context.with(ROOT_CONTEXT.setValue(suppressed, true), work);
}
