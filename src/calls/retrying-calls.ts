import type { CallFactory, CallListener, CallRequest, RunningCall } from "./call.ts";
import type { CallConfig } from "./call-config.ts";
import type { CallContext } from "./call-context.ts";
import type { GlinkCallOptions } from "./call-options.ts";
import { CallTrace } from "./call-trace.ts";
import { onAttemptTracer } from "./on-attempt.ts";
import { checkRetryOptions, type RetryOptions, retryDefaults } from "./retry/retry-options.ts";
import { RetryingCall } from "./retrying-call.ts";

/** Makes calls that are retried as the channel says, or the call itself. */
export class RetryingCalls implements CallFactory {
  readonly #context: CallContext;
  readonly #config: CallConfig;

  constructor(context: CallContext, config: CallConfig) {
    this.#context = context;
    this.#config = config;
  }

  make(request: CallRequest, listener: CallListener): RunningCall {
    const { onAttempt } = request.options;
    const config = this.#configOf(request.options);
    if (onAttempt === undefined) return new RetryingCall(this.#context, request, listener, config);
    const { clock, events } = this.#context.attempt;
    const trace = request.trace ?? new CallTrace(clock);
    trace.add(onAttemptTracer(onAttempt, events));
    return new RetryingCall(this.#context, { ...request, trace }, listener, config);
  }

  #configOf({ retry, waitForReady }: GlinkCallOptions): CallConfig {
    if (retry === undefined && waitForReady === undefined) return this.#config;
    return {
      retry: retry === undefined ? this.#config.retry : this.#merge(retry),
      waitForReady: waitForReady ?? this.#config.waitForReady,
    };
  }

  /** A call's own wishes, which are checked, over the channel's. */
  #merge(retry: false | Partial<RetryOptions>): RetryOptions | false {
    if (retry === false) return false;
    return checkRetryOptions(retry, this.#config.retry === false ? retryDefaults : this.#config.retry);
  }
}
