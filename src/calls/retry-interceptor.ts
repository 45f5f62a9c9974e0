import type { CallListener, CallMaker, CallRequest, RunningCall } from "./call.ts";
import { checkRetryOptions, type RetryOptions, retryDefaults } from "./retry/retry-options.ts";
import { type RetryContext, RetryingCall } from "./retrying-call.ts";

/**
 * Makes calls with the retry policy of the transport, or of the call. Every call passes through here once, whatever
 * the number of its attempts.
 */
export class RetryInterceptor implements CallMaker {
  readonly #context: RetryContext;
  readonly #retry: RetryOptions | false;
  readonly #waitForReady: boolean;

  constructor(context: RetryContext, retry: RetryOptions | false, waitForReady: boolean) {
    this.#context = context;
    this.#retry = retry;
    this.#waitForReady = waitForReady;
  }

  make(request: CallRequest, listener: CallListener): RunningCall {
    const { retry, waitForReady } = request.options;
    const options = retry === undefined ? this.#retry : this.#merge(retry);
    return new RetryingCall(this.#context, request, listener, options, waitForReady ?? this.#waitForReady);
  }

  /** A call's own wishes, which are checked, over the transport's. */
  #merge(retry: false | Partial<RetryOptions>): RetryOptions | false {
    if (retry === false) return false;
    return checkRetryOptions(retry, this.#retry === false ? retryDefaults : this.#retry);
  }
}
