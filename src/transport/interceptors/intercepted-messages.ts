import { canceledFailure } from "../../base/errors.ts";
import { connectErrorFrom } from "../../base/thrown.ts";
import { isStreamOf } from "../stream.ts";
import type { InterceptorScope } from "./interceptor-scope.ts";

/** The response messages that the user reads, after all interceptors. Each read ends with the call's deadline. */
export class InterceptedMessages<T> implements AsyncIterableIterator<T> {
  readonly #scope: InterceptorScope;
  readonly #messages: AsyncIterable<T>;
  /** No interceptor put an iterable of its own around them: nobody but the call can keep a read waiting. */
  readonly #areCalls: boolean;
  #iterator: AsyncIterator<T> | undefined;
  #done = false;

  constructor(scope: InterceptorScope, messages: AsyncIterable<T>) {
    this.#scope = scope;
    this.#messages = messages;
    this.#areCalls = isStreamOf(scope, messages);
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  next(): Promise<IteratorResult<T, undefined>> {
    if (this.#done) return Promise.resolve({ done: true, value: undefined });
    const aborted = this.#scope.abortError();
    if (aborted !== undefined) {
      this.#scope.finish(aborted);
      return Promise.reject(aborted);
    }
    if (this.#areCalls) return this.#read().next().then(this.#onResult, this.#onError);
    return this.#scope.run(() => this.#read().next()).then(this.#onResult, this.#onError);
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

  readonly #onResult = (result: IteratorResult<T>): IteratorResult<T, undefined> => {
    // What has arrived, or an interceptor makes up, is no message for somebody who aborted the call meanwhile.
    const aborted = this.#scope.abortError();
    if (aborted !== undefined) return this.#onError(aborted);
    if (result.done !== true) return result;
    this.#done = true;
    this.#scope.finish();
    return { done: true, value: undefined };
  };

  readonly #onError = (error: unknown): never => {
    const failure = connectErrorFrom(error);
    this.#scope.finish(failure);
    throw failure;
  };

  #read(): AsyncIterator<T> {
    this.#iterator ??= this.#messages[Symbol.asyncIterator]();
    return this.#iterator;
  }
}
