import { AsyncResource } from "node:async_hooks";
import type { DescMessage, MessageInitShape } from "@bufbuild/protobuf";
import type { MethodInfo, RunningCall } from "./call.ts";
import type { Codec } from "./codec.ts";

/**
 * Reads a caller's request messages and sends them, no faster than the peer takes them. The caller's code runs in the
 * caller's own async context, whatever socket event made room.
 */
export class RequestPump<I extends DescMessage> extends AsyncResource {
  readonly #codec: Codec;
  readonly #method: MethodInfo;
  readonly #onError: (error: unknown) => void;
  #iterator: AsyncIterator<MessageInitShape<I>> | undefined;
  #running: RunningCall | undefined;
  #reading = false;
  #blocked = false;
  #finished = false;

  /** `onError` hears what the caller's iterable throws, and what serialization or compression does. */
  constructor(codec: Codec, method: MethodInfo, onError: (error: unknown) => void) {
    super("GlinkRequestStream");
    this.#codec = codec;
    this.#method = method;
    this.#onError = onError;
  }

  start(messages: AsyncIterable<MessageInitShape<I>>, running: RunningCall): void {
    this.#running = running;
    try {
      this.#iterator = messages[Symbol.asyncIterator]();
    } catch (error) {
      this.#fail(error);
      return;
    }
    this.#pull();
  }

  /** The peer takes more. */
  writable(): void {
    if (!this.#blocked) return;
    this.#blocked = false;
    this.#pull();
  }

  /** The call is over: the caller's iterable is told, with the error if there was one. */
  stop(error: unknown): void {
    if (this.#finished) return;
    this.#finished = true;
    const iterator = this.#iterator;
    if (iterator === undefined) return;
    this.runInAsyncScope(() => {
      try {
        const told = error !== undefined && iterator.throw !== undefined ? iterator.throw(error) : iterator.return?.();
        // The iterable answers to its own caller; after the end of the call there is nobody else to tell.
        told?.then(undefined, () => undefined);
      } catch {
        // As above: an iterator may throw synchronously where it should reject.
      }
    });
  }

  #pull(): void {
    if (this.#finished || this.#reading || this.#iterator === undefined) return;
    this.#reading = true;
    try {
      this.runInAsyncScope(() => this.#iterator?.next())?.then(this.#onNext, this.#onRejected);
    } catch (error) {
      this.#fail(error);
    }
  }

  readonly #onNext = (result: IteratorResult<MessageInitShape<I>>): void => {
    this.#reading = false;
    if (this.#finished) return;
    if (result.done === true) {
      this.#finished = true;
      this.#running?.halfClose();
      return;
    }
    try {
      const framed = this.#codec.encode(this.#method, result.value);
      if (framed instanceof Uint8Array) this.#send(framed);
      else framed.then(this.#send, this.#onRejected);
    } catch (error) {
      this.#fail(error);
    }
  };

  readonly #onRejected = (error: unknown): void => {
    this.#fail(error);
  };

  readonly #send = (framed: Uint8Array): void => {
    if (this.#finished || this.#running === undefined) return;
    if (this.#method.singleRequest) {
      this.#running.halfClose(framed);
      this.stop(undefined);
      return;
    }
    this.#blocked = true;
    if (this.#running.send(framed)) this.writable();
  };

  #fail(error: unknown): void {
    this.#finished = true;
    this.#onError(error);
  }
}
