import type { DescMessage, DescMethodStreaming, Message, MessageInitShape, MessageShape } from "@bufbuild/protobuf";
import { Code, type ConnectError, type StreamResponse } from "@connectrpc/connect";
import { canceledFailure, type Failure, headersOf, invalidRequestFailure, toConnectError } from "../errors.ts";
import type { HeaderFields } from "../http2/connection.ts";
import type { CallEnd, CallListener, MethodInfo, RunningCall } from "./call.ts";
import { glinkCall } from "./call-options.ts";
import type { CallEnvironment, CallInput } from "./environment.ts";
import { Lifetime } from "./lifetime.ts";
import { noFields, readMetadata } from "./metadata.ts";
import type { Cancellable } from "./open-calls.ts";
import { RequestPump } from "./request-pump.ts";
import { ResponseQueue, type ResponseSource } from "./response-stream.ts";

/** Makes a streaming call. Resolves once the call is committed to response headers; rejects with a ConnectError. */
export function callStream<I extends DescMessage, O extends DescMessage>(
  environment: CallEnvironment,
  method: DescMethodStreaming<I, O>,
  messages: AsyncIterable<MessageInitShape<I>>,
  input: CallInput,
): Promise<StreamResponse<I, O>> {
  return new Promise((resolve, reject) => {
    new StreamCall<I, O>(environment, method, input, resolve, reject).begin(messages);
  });
}

/**
 * One streaming call. It never refers to the response object that the user holds: when that is collected, nobody can
 * read the stream any more, and it is cancelled.
 */
class StreamCall<I extends DescMessage, O extends DescMessage> implements CallListener, Cancellable, ResponseSource {
  readonly #environment: CallEnvironment;
  readonly #method: MethodInfo;
  readonly #input: CallInput;
  readonly #lifetime: Lifetime;
  readonly #queue: ResponseQueue;
  readonly #pump: RequestPump<I>;
  readonly #trailer = new Headers();
  #resolve: ((response: StreamResponse<I, O>) => void) | undefined;
  readonly #reject: (error: ConnectError) => void;
  #running: RunningCall | undefined;
  #headers: HeaderFields = noFields;

  constructor(
    environment: CallEnvironment,
    method: DescMethodStreaming<I, O>,
    input: CallInput,
    resolve: (response: StreamResponse<I, O>) => void,
    reject: (error: ConnectError) => void,
  ) {
    this.#environment = environment;
    this.#method = environment.codec.method(method);
    this.#input = input;
    this.#resolve = resolve;
    this.#reject = reject;
    this.#lifetime = new Lifetime(environment.openCalls, environment.clock, input.timeoutMs, input.signal);
    this.#queue = new ResponseQueue(this);
    this.#pump = new RequestPump(environment.codec, this.#method, (error) => this.#requestFailed(error));
  }

  begin(messages: AsyncIterable<MessageInitShape<I>>): void {
    this.#input.scope?.innerStarted();
    this.#lifetime.begin(this);
    if (!this.#lifetime.isOpen) return;
    try {
      const { header, contextValues, path } = this.#input;
      const { codec, starter } = this.#environment;
      const { fields, userAgent } = readMetadata(header);
      const { head } = this.#method;
      const ownHead = path === undefined && userAgent === undefined;
      this.#running = starter.start(
        {
          method: this.#method,
          head: ownHead ? head : codec.head(path ?? head.path, userAgent),
          metadata: fields,
          contextValues,
          options: contextValues?.get(glinkCall) ?? glinkCall.defaultValue,
          deadlineMs: this.#lifetime.deadlineMs,
          body: undefined,
        },
        this,
      );
    } catch (error) {
      this.#end(invalidRequestFailure(Code.Internal, error), 0, undefined);
      return;
    }
    if (this.#lifetime.isOpen) this.#pump.start(messages, this.#running);
  }

  cancel(failure: Failure): void {
    if (this.#running !== undefined) this.#running.cancel(failure);
    else this.#end(failure, 0, undefined);
  }

  /** The user let go of the response without reading it to its end. */
  abandoned(): void {
    this.cancel(canceledFailure(new Error("the response stream was left before its end")));
  }

  onHeaders(headers: HeaderFields): void {
    const failure = this.#environment.codec.encodingFailure(headers);
    if (failure !== undefined) {
      this.cancel(failure);
      return;
    }
    this.#headers = headers;
    const resolve = this.#resolve;
    this.#resolve = undefined;
    const messages = new ResponseMessages<O>(this.#queue, () => this.abandoned());
    this.#environment.abandonedStreams.register(messages, this, this);
    const method = this.#method.desc as DescMethodStreaming<I, O>;
    resolve?.({
      stream: true,
      service: method.parent,
      method,
      header: headersOf(headers),
      trailer: this.#trailer,
      message: messages,
    });
  }

  onMessage(flag: number, payload: Uint8Array): void {
    this.#queue.push(flag, payload);
  }

  onWritable(): void {
    this.#pump.writable();
  }

  onEnd(end: CallEnd): void {
    this.#running = undefined;
    headersOf(end.trailers).forEach((value, name) => {
      this.#trailer.append(name, value);
    });
    this.#end(end.failure, end.attempts, end.note);
  }

  decode(flag: number, payload: Uint8Array): Message | Promise<Message> {
    return this.#environment.codec.decode(this.#method, this.#headers, flag, payload);
  }

  decodeFailed(error: unknown): ConnectError {
    const failure = invalidRequestFailure(Code.Internal, error);
    this.cancel(failure);
    return toConnectError(failure, { attempts: 0 });
  }

  pause(): void {
    this.#running?.pause();
  }

  resume(): void {
    this.#running?.resume();
  }

  #requestFailed(error: unknown): void {
    this.cancel(invalidRequestFailure(Code.Unknown, error));
  }

  #end(failure: Failure | undefined, attempts: number, note: string | undefined): void {
    if (!this.#lifetime.isOpen) return;
    this.#lifetime.end();
    this.#input.scope?.innerEnded();
    this.#environment.abandonedStreams.unregister(this);
    const error = failure === undefined ? undefined : toConnectError(failure, { attempts, note });
    this.#pump.stop(error);
    // What the caller aborted is over at once; what the peer ended is read to the end first.
    if (failure?.kind === "canceled" || failure?.kind === "deadline") this.#queue.cut(error);
    else this.#queue.end(error);
    if (this.#resolve === undefined) return;
    this.#resolve = undefined;
    if (error !== undefined) this.#reject(error);
  }
}

/** The iterable that the user reads. Its iterator is itself: a stream can be read once. */
class ResponseMessages<O extends DescMessage> implements AsyncIterableIterator<MessageShape<O>> {
  readonly #queue: ResponseQueue;
  readonly #leave: () => void;

  constructor(queue: ResponseQueue, leave: () => void) {
    this.#queue = queue;
    this.#leave = leave;
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  next(): Promise<IteratorResult<MessageShape<O>, undefined>> {
    return this.#queue.next() as Promise<IteratorResult<MessageShape<O>, undefined>>;
  }

  return(): Promise<IteratorResult<MessageShape<O>, undefined>> {
    this.#leave();
    this.#queue.cut(undefined);
    return Promise.resolve({ done: true, value: undefined });
  }
}
