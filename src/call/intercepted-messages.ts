import { connectErrorFrom } from "../thrown.ts";
import type { InterceptorScope } from "./interceptor-scope.ts";

/** The response messages that the user reads, after all interceptors. Each read ends with the call's deadline. */
export class InterceptedMessages<T> implements AsyncIterableIterator<T> {
  readonly #scope: InterceptorScope;
  readonly #messages: AsyncIterable<T>;
  #iterator: AsyncIterator<T> | undefined;
  #done = false;

  constructor(scope: InterceptorScope, messages: AsyncIterable<T>) {
    this.#scope = scope;
    this.#messages = messages;
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  async next(): Promise<IteratorResult<T, undefined>> {
    if (this.#done) return { done: true, value: undefined };
    try {
      this.#throwIfAborted();
      const result = await this.#scope.run(() => this.#read().next());
      this.#throwIfAborted();
      if (result.done !== true) return result;
      this.#done = true;
      this.#scope.finish();
      return { done: true, value: undefined };
    } catch (error) {
      const failure = connectErrorFrom(error);
      this.#scope.finish(failure);
      throw failure;
    }
  }

  async return(): Promise<IteratorResult<T, undefined>> {
    const wasDone = this.#done;
    this.#done = true;
    if (!wasDone) {
      // Asked first, so that interceptors clean up in order; then whatever they wait for is cancelled.
      const returned = this.#read().return?.();
      this.#scope.abandoned();
      await returned;
    }
    return { done: true, value: undefined };
  }

  /** What has arrived, or an interceptor makes up, is no message for somebody who aborted the call. */
  #throwIfAborted(): void {
    const error = this.#scope.abortError();
    if (error === undefined) return;
    this.#scope.finish(error);
    throw error;
  }

  #read(): AsyncIterator<T> {
    this.#iterator ??= this.#messages[Symbol.asyncIterator]();
    return this.#iterator;
  }
}
