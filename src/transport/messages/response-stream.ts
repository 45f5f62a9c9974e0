import type { Message } from "@bufbuild/protobuf";
import type { ConnectError } from "@connectrpc/connect";
import { Caller, tracedWhenThrown } from "../../channel/caller.ts";
import type { ChannelCall } from "../../channel/channel.ts";
import type { UnreadMemory } from "../../http2/unread-memory.ts";
import { MessageQueue } from "./message-queue.ts";

/** The call of a response stream, as its queue asks it. */
export interface ResponseReader {
  /** Decodes one message; a promise where it is compressed. */
  decode(flag: number, payload: Uint8Array): Message | Promise<Message>;
  /** Ends the call because of what {@link decode} threw or rejected with, and gives the caller's error. */
  undecodable(error: unknown): ConnectError;
  /** The error of the caller's own abort, if there was one: it also ends the reading of what has arrived. */
  abortError(): ConnectError | undefined;
}

/**
 * Reading stops above this many bytes that wait for the user, and goes on below half of it; earlier where responses hold
 * much together. More than what one read of a
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
  readonly #reader: ResponseReader;
  readonly #call: ChannelCall;
  readonly #unread: UnreadMemory;
  readonly #messages = new MessageQueue();
  readonly #waiters: Waiter[] = [];
  #bytes = 0;
  #paused = false;
  #end: End | undefined;
  #endSeen = false;

  constructor(reader: ResponseReader, call: ChannelCall, unread: UnreadMemory) {
    this.#reader = reader;
    this.#call = call;
    this.#unread = unread;
  }

  push(flag: number, payload: Uint8Array): void {
    if (this.#end !== undefined) return;
    const waiter = this.#waiters.shift();
    if (waiter !== undefined) {
      this.#answer(waiter, flag, payload);
      return;
    }
    this.#messages.push(flag, payload);
    const bytes = payload.length + overheadBytes;
    this.#bytes += bytes;
    this.#unread.add(bytes);
    if (!this.#paused && this.#bytes > this.#unread.limit(highWaterBytes)) {
      this.#paused = true;
      this.#call.pause();
    }
  }

  /** After the messages that wait, the stream ends, with an error or without. */
  end(error: ErrorSource | undefined): void {
    if (this.#end === undefined) this.#endWith({ error });
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
      const aborted = this.#reader.abortError();
      if (aborted !== undefined) this.#failWith(aborted);
    }
    if (!this.#messages.isEmpty) {
      const { flag, payload } = this.#messages;
      this.#messages.shift();
      if (this.#end === undefined) this.#taken(payload.length + overheadBytes);
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

  #taken(bytes: number): void {
    this.#bytes -= bytes;
    this.#unread.remove(bytes);
    if (this.#paused && this.#bytes < this.#unread.limit(highWaterBytes) / 2) {
      this.#paused = false;
      this.#call.resume();
    }
  }

  /** What waits is all there is. It no longer counts: nothing more comes that could be held back. */
  #endWith(end: End): void {
    if (this.#end === undefined) this.#unread.remove(this.#bytes);
    this.#end = end;
  }

  /** Nothing but this error is delivered any more. */
  #failWith(error: ConnectError): void {
    this.#messages.clear();
    this.#endWith({ error: () => error });
  }

  /** A message cannot be decoded: that ends the call. */
  #undecodable(error: unknown): ConnectError {
    const connectError = this.#reader.undecodable(error);
    this.#failWith(connectError);
    return connectError;
  }

  /** A message for somebody who waits: without a promise of its own, or a closure, where none is needed. */
  #answer(waiter: Waiter, flag: number, payload: Uint8Array): void {
    try {
      const message = this.#reader.decode(flag, payload);
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
      const message = this.#reader.decode(flag, payload);
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
