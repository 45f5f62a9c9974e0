import type { DescMessage, DescMethodStreaming, Message, MessageInitShape, MessageShape } from "@bufbuild/protobuf";
import { Code, ConnectError, type StreamResponse } from "@connectrpc/connect";
import { abortErrorOf, toConnectError } from "../base/connect-error.ts";
import { canceledFailure, type Failure } from "../base/errors.ts";
import { thrownFailure } from "../base/thrown-failure.ts";
import type { CallEnd, CallListener } from "../calls/call.ts";
import type { CallGroup } from "../calls/open-calls.ts";
import { Caller, tracedWhenThrown } from "../channel/caller.ts";
import type { ChannelCall } from "../channel/channel.ts";
import type { HeaderFields } from "../http2/connection.ts";
import { noFields } from "../protocol/metadata.ts";
import { callHeaders, receiveLater } from "./call-headers.ts";
import type { CallEnvironment, CallInput } from "./environment.ts";
import { RequestPump } from "./messages/request-pump.ts";
import { ResponseQueue, type ResponseReader } from "./messages/response-stream.ts";
import type { MethodInfo } from "./method-info.ts";
import { requestOf } from "./request.ts";

/** Makes a streaming call. Resolves once the call is committed to response headers; rejects with a ConnectError. */
export function callStream<I extends DescMessage, O extends DescMessage>(
  environment: CallEnvironment,
  method: DescMethodStreaming<I, O>,
  messages: AsyncIterable<MessageInitShape<I>>,
  input: CallInput,
): Promise<StreamResponse<I, O>> {
  // An interceptor may let go of the promise, in a race that it decided.
  const caller = new Caller<StreamResponse<I, O>>(input.group !== undefined);
  new StreamCall<I, O>(environment, method, input, caller).begin(messages);
  return caller.promise;
}

/**
 * One streaming call. It never refers to the response object that the user holds: when that is collected, nobody can
 * read the stream any more, and it is cancelled.
 */
class StreamCall<I extends DescMessage, O extends DescMessage> implements CallListener, ResponseReader {
  readonly #environment: CallEnvironment;
  readonly #method: MethodInfo;
  readonly #input: CallInput;
  readonly #call: ChannelCall;
  readonly #queue: ResponseQueue;
  readonly #pump: RequestPump<I>;
  readonly #trailer = callHeaders(noFields);
  /** Gone once the caller's promise is settled: it would keep the response from being collected. */
  #caller: Caller<StreamResponse<I, O>> | undefined;
  #headers: HeaderFields = noFields;
  /** How the call ended, for the error of a message that is read afterwards. */
  #ended: CallEnd | undefined;

  constructor(
    environment: CallEnvironment,
    method: DescMethodStreaming<I, O>,
    input: CallInput,
    caller: Caller<StreamResponse<I, O>>,
  ) {
    this.#environment = environment;
    this.#method = environment.codec.method(method);
    this.#input = input;
    this.#caller = caller;
    this.#call = environment.channel.call(this.#method, this, input);
    this.#queue = new ResponseQueue(this, this.#call, environment.channel.unread);
    this.#pump = new RequestPump(environment.codec, this.#method, environment.turnQuota, (error) =>
      this.#requestFailed(error),
    );
  }

  begin(messages: AsyncIterable<MessageInitShape<I>>): void {
    const call = this.#call;
    call.begin();
    if (!call.isOpen) return;
    try {
      call.start(requestOf(this.#environment, this.#method, this.#input, call.deadlineMs));
    } catch (error) {
      call.cancel(thrownFailure(Code.Internal, error, "unsent"));
      return;
    }
    if (call.isOpen) this.#pump.start(messages, call);
  }

  onHeaders(headers: HeaderFields): void {
    const failure = this.#environment.codec.encodingFailure(this.#method, headers);
    if (failure !== undefined) {
      this.#call.cancel(failure);
    } else {
      this.#show(headers);
    }
  }

  /** The caller gets the response. */
  #show(headers: HeaderFields): void {
    this.#headers = headers;
    const caller = this.#caller;
    this.#caller = undefined;
    const messages = new ResponseMessages<O>(this.#queue, this.#call, this.#input.group);
    this.#environment.abandonedStreams.register(messages, this.#call, this);
    const method = this.#method.desc as DescMethodStreaming<I, O>;
    caller?.resolve({
      stream: true,
      service: method.parent,
      method,
      header: callHeaders(headers),
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
    this.#ended = end;
    // A client stream commits at its message. One that failed without shows the headers that came all the same.
    if (this.#caller !== undefined && end.failure?.kind === "status" && end.trailers.length > 0) {
      this.#show(end.headers);
    }
    receiveLater(this.#trailer, end.trailers);
    this.#end(end.failure, end.attempts, end.note);
  }

  decode(flag: number, payload: Uint8Array): Message | Promise<Message> {
    return this.#environment.codec.decode(this.#method, this.#headers, flag, payload);
  }

  undecodable(error: unknown): ConnectError {
    const failure = thrownFailure(Code.Internal, error, "unknown");
    this.#call.cancel(failure);
    const { attempts = 1, address } = this.#ended ?? {};
    return toConnectError({ ...failure, address }, { attempts });
  }

  abortError(): ConnectError | undefined {
    return abortErrorOf(this.#input.signal);
  }

  #requestFailed(error: unknown): void {
    this.#call.cancel(thrownFailure(Code.Internal, error, "unknown"));
  }

  #end(failure: Failure | undefined, attempts: number, note: string | undefined): void {
    if (!this.#call.isOpen) return;
    this.#call.finish(failure);
    this.#environment.abandonedStreams.unregister(this);
    const caller = this.#caller;
    this.#caller = undefined;
    if (failure === undefined) {
      this.#pump.stop(undefined);
      this.#queue.end(undefined);
      return;
    }
    const error = toConnectError(failure, { attempts, note });
    const thrown = tracedWhenThrown(error, failure.asIs);
    const streamError = this.#call.isLeft ? undefined : thrown;
    this.#pump.stop(this.#call.isLeft ? undefined : error);
    // What was ended from this side is over at once; what the peer ended is read to its end first.
    if (endedHere.has(failure.kind)) this.#queue.cut(streamError);
    else this.#queue.end(streamError);
    caller?.rejectLater(this.#environment.channel.clock, thrown);
  }
}

/** Whether these are the messages of a stream that belongs to `group`, as it came: each read of it ends when the group does. */
export function isStreamOf(group: CallGroup, messages: unknown): boolean {
  return ResponseMessages.isOf(messages, group);
}

/** Failures that this side decided on, whatever the peer has sent by then. */
const endedHere = new Set<Failure["kind"]>(["canceled", "deadline", "closed", "invalid-request"]);

/**
 * The iterable that the user reads. Its iterator is itself: a stream can be read once. `return` and `throw` end the call,
 * as they end a generator; the response's trailers are never complete then.
 */
class ResponseMessages<O extends DescMessage> implements AsyncIterableIterator<MessageShape<O>> {
  readonly #queue: ResponseQueue;
  readonly #call: ChannelCall;
  readonly #group: CallGroup | undefined;
  #left = false;

  constructor(queue: ResponseQueue, call: ChannelCall, group: CallGroup | undefined) {
    this.#queue = queue;
    this.#call = call;
    this.#group = group;
  }

  static isOf(messages: unknown, group: CallGroup): boolean {
    return typeof messages === "object" && messages !== null && #group in messages && messages.#group === group;
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  next(): Promise<IteratorResult<MessageShape<O>, undefined>> {
    if (this.#left) return Promise.resolve({ done: true, value: undefined });
    return this.#queue.next(this) as Promise<IteratorResult<MessageShape<O>, undefined>>;
  }

  return(value?: unknown): Promise<IteratorResult<MessageShape<O>, undefined>> {
    this.#left = true;
    this.#queue.cut(undefined);
    this.#call.abandoned();
    return Promise.resolve({ done: true, value: value as undefined });
  }

  throw(reason?: unknown): Promise<never> {
    const error = ConnectError.from(reason);
    this.#left = true;
    this.#call.cancel(canceledFailure(error));
    this.#queue.cut(undefined);
    return Promise.reject(error);
  }
}
