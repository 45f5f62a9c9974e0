import { type Attributes, type Context, type Span, SpanKind, trace } from "@opentelemetry/api";
import type { AttemptEnd, AttemptStart, AttemptTracer, CallEnd, CallTracer, WaitReason } from "../../index.ts";
import { rpcRequestMetadata } from "../conventions.ts";
import { endAttributes, endSpan } from "./endings.ts";
import type { TracedMethod, TracingParts } from "./tracing-parts.ts";

/** One call that is recorded, in its trace. */
export class TracedCall implements CallTracer {
  readonly #parts: TracingParts;
  readonly #method: TracedMethod;
  readonly #span: Span;
  readonly #context: Context;
  /** The span of the attempt under way: the call's, where it has none of its own. */
  #current: Span;
  #attempts = 0;

  /** `context`: that of the caller, with `span`. */
  constructor(parts: TracingParts, method: TracedMethod, context: Context, span: Span) {
    this.#parts = parts;
    this.#method = method;
    this.#span = span;
    this.#context = context;
    this.#current = span;
  }

  attemptStarted(start: AttemptStart): AttemptTracer {
    const { inject, settings } = this.#parts;
    const isFirst = this.#attempts++ === 0;
    if (isFirst && settings.requestMetadata.length > 0) {
      this.#span.setAttributes(metadataAttributes(start, settings.requestMetadata));
    }
    const hasSpan = settings.attemptSpans === "always" || (settings.attemptSpans === "retries" && !isFirst);
    const own = hasSpan ? this.#attemptSpan(start) : undefined;
    this.#current = own ?? this.#span;
    inject(own === undefined ? this.#context : trace.setSpan(this.#context, own), start.header);
    return own === undefined
      ? { ended: (end) => this.#attemptEnded(start.number, end) }
      : { ended: (end) => this.#attemptSpanEnded(own, end) };
  }

  waited(why: WaitReason, ms: number): void {
    const span = why === "resolve" ? this.#span : this.#current;
    const attributes = { "glink.wait.reason": why, "glink.wait.duration": ms / 1_000 };
    span.addEvent(this.#parts.settings.names.waits[why], attributes);
  }

  ended(end: CallEnd): void {
    if (end.attempts + end.transparentRetries > 1) this.#span.setAttribute("glink.attempts", this.#attempts);
    endSpan(this.#span, end, this.#parts.settings.statusMessages);
  }

  #attemptSpan({ number, transparent }: AttemptStart): Span | undefined {
    const attributes = { "previous-rpc-attempts": number - 1, "transparent-retry": transparent };
    const options = { kind: SpanKind.INTERNAL, attributes };
    return this.#parts.tracer?.startSpan(this.#method.attemptName, options, this.#context);
  }

  /** The attempt has no span: that of its call says how it failed. */
  #attemptEnded(number: number, end: AttemptEnd): void {
    if (end.code === undefined) return;
    const attributes = { "glink.attempt": number, ...endAttributes(end), ...delayAttributes(end) };
    this.#span.addEvent("glink.attempt.failed", attributes);
  }

  #attemptSpanEnded(span: Span, end: AttemptEnd): void {
    span.setAttributes(delayAttributes(end));
    endSpan(span, end, this.#parts.settings.statusMessages);
  }
}

/** The wait before the next attempt, in seconds. */
function delayAttributes({ retryDelayMs }: AttemptEnd): Attributes {
  return retryDelayMs === undefined ? {} : { "glink.retry.delay": retryDelayMs / 1_000 };
}

/** Those headers of the request that may be shown. */
function metadataAttributes({ header }: AttemptStart, names: readonly string[]): Attributes {
  const attributes: Attributes = {};
  for (const name of names) {
    const value = header.get(name);
    if (value !== undefined) attributes[`${rpcRequestMetadata}${name}`] = [value];
  }
  return attributes;
}
