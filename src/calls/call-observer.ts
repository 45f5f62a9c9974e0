import type { ContextValues } from "@connectrpc/connect";
import type { Failure } from "../base/errors.ts";
import type { MethodSpec } from "../base/method-spec.ts";
import { CallChannels } from "../observe/call-channels.ts";
import type { Instrumentations } from "../observe/compose-instrumentations.ts";
import { CallCounters } from "../observe/counters.ts";
import type { ChannelNames } from "../observe/instrumentation.ts";
import { checkField } from "../protocol/metadata.ts";
import type { TraceContext } from "./attempt-trace.ts";
import { CallTrace } from "./call-trace.ts";

/** Sees every call of one channel begin and end: counts it, and tells the channel's instrumentation and the tracing channels. */
export class CallObserver {
  readonly counters: CallCounters = new CallCounters();
  readonly #names: ChannelNames;
  readonly #context: TraceContext;
  readonly #instrumentations: Instrumentations | undefined;
  readonly #channels = new CallChannels(checkField);

  constructor(names: ChannelNames, context: TraceContext, instrumentations: Instrumentations | undefined) {
    this.#names = names;
    this.#context = context;
    this.#instrumentations = instrumentations;
  }

  /** A call begins: to be told in its caller's tick and async context. Returns its trace, if anybody follows it. */
  callStarted(
    method: MethodSpec,
    timeoutMs: number | undefined,
    contextValues: ContextValues | undefined,
  ): CallTrace | undefined {
    this.counters.started++;
    const isHeard = this.#channels.isHeard;
    if (this.#instrumentations === undefined && !isHeard) return undefined;
    const { target, grpcTarget, protocol, serverAddress, serverPort } = this.#names;
    const start = { target, grpcTarget, protocol, serverAddress, serverPort, method, timeoutMs, contextValues };
    const tracers = this.#instrumentations?.callStarted(start);
    if (tracers === undefined && !isHeard) return undefined;
    const trace = new CallTrace(this.#context, tracers ?? []);
    if (isHeard) trace.add(this.#channels.callStarted(start));
    return trace;
  }

  /** The call is over for its caller, who has its message or its error. Once for each {@link callStarted}. */
  callEnded(trace: CallTrace | undefined, failure: Failure | undefined): void {
    if (failure === undefined) this.counters.succeeded++;
    else this.counters.failedWith(failure.code);
    trace?.ended(failure);
  }
}
