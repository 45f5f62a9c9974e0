import { create, type DescMessage, type MessageInitShape, type MessageShape } from "@bufbuild/protobuf";
import { ConnectError } from "@connectrpc/connect";
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
      const result = await this.#scope.run(() => this.#read().next());
      if (result.done !== true) return result;
      this.#done = true;
      this.#scope.finish();
      return { done: true, value: undefined };
    } catch (error) {
      this.#scope.finish(ConnectError.from(error));
      throw error;
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

  #read(): AsyncIterator<T> {
    this.#iterator ??= this.#messages[Symbol.asyncIterator]();
    return this.#iterator;
  }
}

/** The caller's request messages as interceptors see them: complete messages. Nothing is read ahead. */
export function completeMessages<I extends DescMessage>(
  schema: I,
  messages: AsyncIterable<MessageInitShape<I>>,
): AsyncIterable<MessageShape<I>> {
  return {
    [Symbol.asyncIterator]() {
      const iterator = messages[Symbol.asyncIterator]();
      const complete = (result: IteratorResult<MessageInitShape<I>>): IteratorResult<MessageShape<I>> =>
        result.done === true ? result : { done: false, value: create(schema, result.value) };
      return {
        next: () => iterator.next().then(complete),
        // Only what the caller's own iterator has: its absence means something to whoever ends the reading.
        ...(iterator.throw && { throw: (error: unknown) => iterator.throw!(error).then(complete) }),
        ...(iterator.return && { return: (value?: unknown) => iterator.return!(value).then(complete) }),
      };
    },
  };
}
