import type { Message } from "@bufbuild/protobuf";
import type { ConnectError } from "@connectrpc/connect";
import { Caller, tracedWhenThrown } from "../caller.ts";
import { MessageQueue } from "./message-queue.ts";

/** Where a response stream gets its messages from, and how it asks for more or none. */
export interface ResponseSource {
  /** Decodes one message; a promise where it is compressed. */
  decode(flag: number, payload: Uint8Array): Message | Promise<Message>;
  pause(): void;
  resume(): void;
  /** A message cannot be decoded: the call ends with this. */
  decodeFailed(error: unknown): ConnectError;
  /** The error of the caller's own abort, if there was one: it also ends the reading of what has arrived. */
  abortError(): ConnectError | undefined;
}

/**
 * Reading stops above this many bytes that wait for the user, and goes on below half of it. More than what one read of a
 * socket brings in small messages: the user can take them only when all of that has been handled.
 */
const highWaterBytes = 262_144;

/** What a small message costs beside its bytes: keeps a flood of empty ones from growing without limit. */
const overheadBytes = 64;

class Waiter extends Caller<IteratorResult<Message, undefined>> {
  /** Whoever waits must not be collected meanwhile: that would cancel the call. */
  readonly reader: object;

  constructor(reader: object) {
    super();
    this.reader = reader;
  }
}

/** Gives the error, to whoever throws it. */
type ErrorSource = () => ConnectError;

type End = { readonly error: ErrorSource | undefined };

const done: IteratorResult<Message, undefined> = { done: true, value: undefined };

/** Messages between the wire and the user: those that came before they were asked for, and requests that came first. */
export class ResponseQueue {
  readonly #source: ResponseSource;
  readonly #messages = new MessageQueue();
  readonly #waiters: Waiter[] = [];
  #bytes = 0;
  #paused = false;
  #end: End | undefined;
  #endSeen = false;

  constructor(source: ResponseSource) {
    this.#source = source;
  }

  push(flag: number, payload: Uint8Array): void {
    if (this.#end !== undefined) return;
    const waiter = this.#waiters.shift();
    if (waiter !== undefined) {
      this.#answer(waiter, flag, payload);
      return;
    }
    this.#messages.push(flag, payload);
    this.#bytes += payload.length + overheadBytes;
    if (this.#bytes > highWaterBytes && !this.#paused) {
      this.#paused = true;
      this.#source.pause();
    }
  }

  /** After the messages that wait, the stream ends, with an error or without. */
  end(error: ErrorSource | undefined): void {
    this.#end ??= { error };
    for (const waiter of this.#waiters.splice(0)) {
      if (error === undefined) waiter.resolve(done);
      else waiter.reject(error);
    }
  }

  /** As `end`, and nothing that waits is delivered. */
  cut(error: ErrorSource | undefined): void {
    this.#messages.clear();
    this.end(error);
  }

  /** `reader` is the object that the user holds. */
  next(reader: object): Promise<IteratorResult<Message, undefined>> {
    const endsWell = this.#end !== undefined && this.#end.error === undefined && !this.#endSeen;
    if (!this.#messages.isEmpty || endsWell) {
      // The peer may have answered in full before: then nobody listens to the signal any more.
      const aborted = this.#source.abortError();
      if (aborted !== undefined) this.#failWith(aborted);
    }
    if (!this.#messages.isEmpty) {
      const { flag, payload } = this.#messages;
      this.#messages.shift();
      this.#bytes -= payload.length + overheadBytes;
      if (this.#paused && this.#bytes < highWaterBytes / 2) {
        this.#paused = false;
        this.#source.resume();
      }
      return this.#deliver(flag, payload);
    }
    if (this.#end === undefined) {
      const waiter = new Waiter(reader);
      this.#waiters.push(waiter);
      return waiter.promise;
    }
    this.#endSeen = true;
    return this.#end.error === undefined ? Promise.resolve(done) : Promise.reject(this.#end.error());
  }

  /** Nothing but this error is delivered any more. */
  #failWith(error: ConnectError): void {
    this.#messages.clear();
    this.#end = { error: () => error };
  }

  #undecodable(error: unknown): ConnectError {
    const failure = this.#source.decodeFailed(error);
    this.#failWith(failure);
    return failure;
  }

  /** A message for somebody who waits: without a promise of its own, or a closure, where none is needed. */
  #answer(waiter: Waiter, flag: number, payload: Uint8Array): void {
    try {
      const message = this.#source.decode(flag, payload);
      if (message instanceof Promise) this.#answerLater(waiter, message);
      else waiter.resolve({ done: false, value: message });
    } catch (error) {
      this.#fail(waiter, error);
    }
  }

  #answerLater(waiter: Waiter, decoding: Promise<Message>): void {
    decoding.then(
      (value) => waiter.resolve({ done: false, value }),
      (error: unknown) => this.#fail(waiter, error),
    );
  }

  /** Its message cannot be decoded. */
  #fail(waiter: Waiter, error: unknown): void {
    waiter.reject(tracedWhenThrown(this.#undecodable(error)));
  }

  /** A message for somebody who asks now. */
  #deliver(flag: number, payload: Uint8Array): Promise<IteratorResult<Message, undefined>> {
    try {
      const message = this.#source.decode(flag, payload);
      if (!(message instanceof Promise)) return Promise.resolve({ done: false, value: message });
      return message.then(
        (value) => ({ done: false, value }),
        (error: unknown) => Promise.reject(this.#undecodable(error)),
      );
    } catch (error) {
      return Promise.reject(this.#undecodable(error));
    }
  }
}
