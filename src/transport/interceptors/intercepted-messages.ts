import { canceledFailure } from "../../base/errors.ts";
import { connectErrorFrom } from "../../base/thrown.ts";
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

  async return(value?: unknown): Promise<IteratorResult<T, undefined>> {
    await this.#leave(() => this.#scope.abandoned());
    return { done: true, value: value as undefined };
  }

  async throw(reason?: unknown): Promise<never> {
    const error = connectErrorFrom(reason);
    await this.#leave(() => this.#scope.cancel(canceledFailure(error)));
    throw error;
  }

  /**
   * Ends the call, and reads what interceptors have to say until they are done: each sees the end and cleans up. Not by
   * their `return`, which an iterator written by hand need not have.
   */
  async #leave(endCall: () => void): Promise<void> {
    if (this.#done) return;
    this.#done = true;
    let waiting = true;
    const readOn = async () => {
      const iterator = this.#read();
      while (waiting && (await iterator.next()).done !== true);
    };
    const ended = this.#scope.run(readOn).catch(() => undefined);
    endCall();
    await ended;
    waiting = false;
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
