import { AsyncResource } from "node:async_hooks";
import { create, type DescMessage, type MessageInitShape, type MessageShape } from "@bufbuild/protobuf";
import { tellEnded } from "./tell-ended.ts";

/**
 * A caller's request messages as interceptors see them: complete, and nothing is read ahead. Interceptors may put
 * iterables of their own around them, so the caller's is told directly when the call is over: a generator in between
 * passes nothing on while it waits for the next message.
 */
export class CallerMessages<I extends DescMessage> extends AsyncResource implements AsyncIterable<MessageShape<I>> {
  readonly #schema: I;
  readonly #messages: AsyncIterable<MessageInitShape<I>>;
  /** Iterators of the caller's that have neither ended nor been told to; undefined until one was asked for. */
  #open: Set<AsyncIterator<MessageInitShape<I>>> | undefined;
  #told = false;

  constructor(schema: I, messages: AsyncIterable<MessageInitShape<I>>) {
    super("GlinkCallerMessages");
    this.#schema = schema;
    this.#messages = messages;
  }

  [Symbol.asyncIterator](): AsyncIterator<MessageShape<I>> {
    const iterator = this.#iterate();
    const open = this.#open;
    const complete = (result: IteratorResult<MessageInitShape<I>>): IteratorResult<MessageShape<I>> => {
      if (result.done !== true) return { done: false, value: create(this.#schema, result.value) };
      open?.delete(iterator);
      return result;
    };
    const failed = (error: unknown): never => {
      open?.delete(iterator);
      throw error;
    };
    /** Whoever ends the reading here tells the caller, unless that is done. */
    const end = (tell: () => Promise<IteratorResult<MessageInitShape<I>>>) => {
      if (this.#told) return Promise.resolve({ done: true as const, value: undefined });
      open?.delete(iterator);
      return tell().then(complete);
    };
    return {
      next: () => iterator.next().then(complete, failed),
      // Only what the caller's own iterator has: its absence means something to whoever ends the reading.
      ...(iterator.throw && { throw: (error: unknown) => end(() => iterator.throw!(error)) }),
      ...(iterator.return && { return: (value?: unknown) => end(() => iterator.return!(value)) }),
    };
  }

  /** The call is over, with an error or without. */
  callEnded(error: unknown): void {
    this.#told = true;
    this.runInAsyncScope(() => {
      try {
        if (this.#open === undefined) this.#iterate();
      } catch {
        // There is nothing to tell an iterable that cannot be iterated, and its caller has the call's own error.
      }
      for (const iterator of this.#open ?? []) tellEnded(iterator, error);
      this.#open?.clear();
    });
  }

  #iterate(): AsyncIterator<MessageInitShape<I>> {
    const iterator = this.#messages[Symbol.asyncIterator]();
    this.#open ??= new Set();
    this.#open.add(iterator);
    return iterator;
  }
}
