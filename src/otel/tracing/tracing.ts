import { context, SpanKind, trace } from "@opentelemetry/api";
import { type CallStart, type CallTracer, type Instrumentation, type MethodSpec, version } from "../../index.ts";
import {
  rpcMethod,
  rpcSystemName,
  rpcSystemOf,
  schemaUrl,
  scopeName,
  serverAddress,
  serverPort,
} from "../conventions.ts";
import { CarriedCall } from "./carried-call.ts";
import { overlayOf } from "./overlay-context.ts";
import { injectWith } from "./propagation.ts";
import { attemptSpanName } from "./span-names.ts";
import { TracedCall } from "./traced-call.ts";
import type { TracedMethod, TracingParts, TracingSettings } from "./tracing-parts.ts";

/** Makes a span for each call, and carries its context to the server. */
export class Tracing implements Pick<Instrumentation, "callStarted"> {
  readonly #settings: TracingSettings;
  readonly #methods = new WeakMap<MethodSpec, TracedMethod>();
  #parts: TracingParts | undefined;

  constructor(settings: TracingSettings) {
    this.#settings = settings;
  }

  callStarted(call: CallStart): CallTracer {
    // Called in the caller's tick: its context.
    const parent = context.active();
    const traced = this.#methods.get(call.method) ?? this.#newMethod(call);
    this.#parts ??= this.#newParts();
    const span = this.#parts.tracer?.startSpan(traced.name, traced.options, parent);
    const own = span === undefined ? parent : trace.setSpan(overlayOf(parent), span);
    return span?.isRecording()
      ? new TracedCall(this.#parts, traced, own, span)
      : new CarriedCall(this.#parts.inject, own);
  }

  #newParts(): TracingParts {
    const settings = this.#settings;
    const { tracerProvider = trace, propagator } = settings;
    // The tracer of the API passes on to an SDK that is registered later.
    const tracer = tracerProvider === false ? undefined : tracerProvider.getTracer(scopeName, version, { schemaUrl });
    return { tracer, inject: injectWith(propagator), settings };
  }

  #newMethod({ method, ...names }: CallStart): TracedMethod {
    const traced = {
      name: this.#settings.names.call(method.service, method.name),
      attemptName: attemptSpanName(method.service, method.name),
      options: {
        kind: SpanKind.CLIENT,
        attributes: {
          [rpcSystemName]: rpcSystemOf(names.protocol),
          [rpcMethod]: `${method.service}/${method.name}`,
          [serverAddress]: names.serverAddress,
          [serverPort]: names.serverPort,
        },
      },
    };
    this.#methods.set(method, traced);
    return traced;
  }
}
