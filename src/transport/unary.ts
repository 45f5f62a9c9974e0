import type { DescMessage, DescMethodUnary, Message, MessageInitShape, MessageShape } from "@bufbuild/protobuf";
import { Code, type ConnectError, type UnaryResponse } from "@connectrpc/connect";
import { toConnectError } from "../base/connect-error.ts";
import type { Failure } from "../base/errors.ts";
import { thrownFailure } from "../base/thrown-failure.ts";
import type { CallEnd, CallListener, CallRequest } from "../calls/call.ts";
import { Caller, tracedWhenThrown } from "../channel/caller.ts";
import type { ChannelCall } from "../channel/channel.ts";
import type { HeaderFields } from "../http2/connection.ts";
import { compressedFlag } from "../protocol/framing.ts";
import { callHeaders } from "./call-headers.ts";
import type { CallEnvironment, CallInput } from "./environment.ts";
import type { MethodInfo } from "./method-info.ts";
import { requestOf } from "./request.ts";

/** Makes a unary call. Rejects with a ConnectError. */
export function callUnary<I extends DescMessage, O extends DescMessage>(
  environment: CallEnvironment,
  method: DescMethodUnary<I, O>,
  message: MessageInitShape<I>,
  input: CallInput,
): Promise<UnaryResponse<I, O>> {
  // An interceptor may let go of the promise, in a race that it decided.
  const caller = new Caller<UnaryResponse<I, O>>(input.group !== undefined);
  new UnaryCall<I, O>(environment, method, input, caller).begin(message);
  return caller.promise;
}

const noBytes = new Uint8Array(0);

class UnaryCall<I extends DescMessage, O extends DescMessage> implements CallListener {
  readonly #environment: CallEnvironment;
  readonly #method: MethodInfo;
  readonly #input: CallInput;
  readonly #caller: Caller<UnaryResponse<I, O>>;
  readonly #call: ChannelCall;
  #payload: Uint8Array | undefined;
  #flag = 0;

  constructor(
    environment: CallEnvironment,
    method: DescMethodUnary<I, O>,
    input: CallInput,
    caller: Caller<UnaryResponse<I, O>>,
  ) {
    this.#environment = environment;
    this.#method = environment.codec.method(method);
    this.#input = input;
    this.#caller = caller;
    this.#call = environment.channel.call(this.#method, this, input);
  }

  begin(message: MessageInitShape<I>): void {
    this.#call.begin();
    if (!this.#call.isOpen) return;
    try {
      const request = requestOf(this.#environment, this.#method, this.#input, this.#call.deadlineMs);
      const { codec } = this.#environment;
      const payload = codec.encode(this.#method, message);
      const compressed = codec.compress(payload);
      if (compressed === undefined) {
        this.#start(request, payload, 0);
      } else if (compressed instanceof Uint8Array) {
        this.#start(request, compressed, compressedFlag);
      } else {
        const started = compressed.then((bytes) => this.#start(request, bytes, compressedFlag));
        started.catch((error: unknown) => this.#unsendable(error));
      }
    } catch (error) {
      this.#unsendable(error);
    }
  }

  #start(request: CallRequest, payload: Uint8Array, flag: number): void {
    const { codec } = this.#environment;
    const bodiless = codec.bodilessHead(this.#method, request.head, payload, flag);
    if (bodiless !== undefined) {
      request.head = bodiless;
      this.#call.start(request, noBytes);
      return;
    }
    if (flag === compressedFlag) request.head = codec.compressedHead(this.#method, request.head);
    this.#call.start(request, payload, flag);
  }

  onHeaders(headers: HeaderFields): void {
    const failure = this.#environment.codec.encodingFailure(this.#method, headers);
    if (failure !== undefined) this.#call.cancel(failure);
  }

  onMessage(flag: number, payload: Uint8Array): void {
    if (this.#payload === undefined) {
      this.#payload = payload;
      this.#flag = flag;
    } else {
      this.#call.cancel(cardinalityFailure("received extra output message for unary method", Code.Unimplemented));
    }
  }

  onWritable(): void {
    // The whole request was handed over at the start.
  }

  onEnd(end: CallEnd): void {
    if (end.failure !== undefined) {
      this.#fail(end.failure, end.attempts, end.note);
    } else if (this.#payload === undefined) {
      // Headers alone that say success are a response that a server cannot have meant.
      const code = end.trailers.length === 0 ? Code.Unknown : Code.Unimplemented;
      this.#fail(cardinalityFailure("missing output message for unary method", code), end.attempts);
    } else {
      this.#decode(end, this.#payload);
    }
  }

  #decode(end: CallEnd, payload: Uint8Array): void {
    try {
      const message = this.#environment.codec.decode(this.#method, end.headers, this.#flag, payload);
      if (message instanceof Promise) {
        this.#call.keepOpen();
        message.then(
          (decoded) => this.#succeed(end, decoded),
          (error: unknown) => this.#unreadable(end, error),
        );
      } else {
        this.#succeed(end, message);
      }
    } catch (error) {
      this.#unreadable(end, error);
    }
  }

  #succeed(end: CallEnd, message: Message): void {
    if (!this.#call.isOpen) return;
    this.#call.finish(undefined);
    const method = this.#method.desc as DescMethodUnary<I, O>;
    this.#caller.resolve({
      stream: false,
      service: method.parent,
      method,
      header: callHeaders(end.headers),
      message: message as MessageShape<O>,
      trailer: callHeaders(end.trailers),
    });
  }

  #unsendable(error: unknown): void {
    const failure = thrownFailure(Code.Internal, error, "unsent");
    this.#reject(failure, toConnectError(failure, { attempts: 0 }));
  }

  #unreadable({ attempts, address }: CallEnd, error: unknown): void {
    const failure = { ...thrownFailure(Code.Internal, error, "unknown"), address };
    this.#reject(failure, toConnectError(failure, { attempts }));
  }

  #fail(failure: Failure, attempts: number, note?: string): void {
    this.#reject(failure, toConnectError(failure, { attempts, note }), failure.asIs);
  }

  #reject(failure: Failure, error: ConnectError, own?: ConnectError): void {
    if (!this.#call.isOpen) return;
    this.#call.finish(failure);
    this.#caller.rejectLater(this.#environment.channel.clock, tracedWhenThrown(error, own));
  }
}

function cardinalityFailure(text: string, code: Code): Failure {
  return { kind: "protocol", code, progress: "unknown", message: `protocol error: ${text}` };
}
