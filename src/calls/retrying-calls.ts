import type { CallFactory, CallListener, CallRequest, RunningCall } from "./call.ts";
import type { CallConfig } from "./call-config.ts";
import type { CallContext } from "./call-context.ts";
import { CallTrace } from "./call-trace.ts";
import { HedgedCall } from "./hedging/hedged-call.ts";
import type { MethodPolicies } from "./methods/method-policies.ts";
import { onAttemptTracer } from "./on-attempt.ts";
import { RetryingCall } from "./retrying-call.ts";

/** Makes calls that are retried or hedged as their method's policy says, or the call itself. */
export class RetryingCalls implements CallFactory {
  readonly #context: CallContext;
  readonly #policies: MethodPolicies;

  constructor(context: CallContext, policies: MethodPolicies) {
    this.#context = context;
    this.#policies = policies;
  }

  make(request: CallRequest, listener: CallListener): RunningCall {
    const { onAttempt } = request.options;
    const config = this.#policies.configOf(request.method, request.options);
    if (onAttempt === undefined) return this.#call(request, listener, config);
    const { attempt: context } = this.#context;
    const trace = request.trace ?? new CallTrace(context, []);
    trace.add(onAttemptTracer(onAttempt, context.events));
    return this.#call({ ...request, trace }, listener, config);
  }

  #call(request: CallRequest, listener: CallListener, config: CallConfig): RunningCall {
    const { waitForReady, hedging: plan } = config;
    return plan === undefined
      ? new RetryingCall(this.#context, request, listener, config)
      : new HedgedCall(this.#context, request, listener, { waitForReady, plan });
  }
}
