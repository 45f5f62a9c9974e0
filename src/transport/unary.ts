import type { DescMessage, DescMethodUnary, Message, MessageInitShape, MessageShape } from "@bufbuild/protobuf";
import { Code, type ConnectError, type UnaryResponse } from "@connectrpc/connect";
import { toConnectError } from "../base/connect-error.ts";
import { type Failure, invalidRequestFailure } from "../base/errors.ts";
import type { CallEnd, CallListener, CallRequest, RunningCall } from "../calls/call.ts";
import type { CallTrace } from "../calls/call-trace.ts";
import type { Cancellable } from "../calls/cancellable.ts";
import { Lifetime } from "../calls/lifetime.ts";
import type { HeaderFields } from "../http2/connection.ts";
import { fieldOf } from "../protocol/grpc/status.ts";
import { Caller, tracedWhenThrown } from "./caller.ts";
import type { CallEnvironment, CallInput } from "./environment.ts";
import type { MethodInfo } from "./method-info.ts";
import { receivedHeaders } from "./received-headers.ts";
import { requestOf } from "./request.ts";

/** Makes a unary call. Rejects with a ConnectError. */
export function callUnary<I extends DescMessage, O extends DescMessage>(
  environment: CallEnvironment,
  method: DescMethodUnary<I, O>,
  message: MessageInitShape<I>,
  input: CallInput,
): Promise<UnaryResponse<I, O>> {
  // An interceptor may let go of the promise, in a race that it decided.
  const caller = new Caller<UnaryResponse<I, O>>(input.scope !== undefined);
  new UnaryCall<I, O>(environment, method, input, caller).begin(message);
  return caller.promise;
}

class UnaryCall<I extends DescMessage, O extends DescMessage> implements CallListener, Cancellable {
  readonly #environment: CallEnvironment;
  readonly #method: MethodInfo;
  readonly #input: CallInput;
  readonly #caller: Caller<UnaryResponse<I, O>>;
  readonly #lifetime: Lifetime;
  readonly #trace: CallTrace | undefined;
  #running: RunningCall | undefined;
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
    const { observer, openCalls, clock } = environment;
    this.#trace = observer.callStarted(this.#method, input.timeoutMs, input.contextValues);
    if (input.scope === undefined) openCalls.started++;
    this.#lifetime = new Lifetime(input.scope ?? openCalls, clock, input.timeoutMs, input.signal);
  }

  begin(message: MessageInitShape<I>): void {
    this.#lifetime.begin(this);
    if (!this.#lifetime.isOpen) return;
    try {
      const body = this.#environment.codec.encode(this.#method, message);
      if (body instanceof Uint8Array) {
        this.#start(this.#request(body));
        return;
      }
      const request = this.#request(undefined);
      body.then((bytes) => this.#start({ ...request, body: bytes })).catch((error: unknown) => this.#failWith(error));
    } catch (error) {
      this.#failWith(error);
    }
  }

  cancel(failure: Failure): void {
    if (this.#running !== undefined) this.#running.cancel(failure);
    else this.#fail(failure, 0);
  }

  onHeaders(headers: HeaderFields): void {
    const failure = this.#environment.codec.encodingFailure(headers);
    if (failure !== undefined) this.cancel(failure);
  }

  onMessage(flag: number, payload: Uint8Array): void {
    if (this.#payload === undefined) {
      this.#payload = payload;
      this.#flag = flag;
    } else {
      this.cancel(cardinalityFailure("received extra output message for unary method", Code.Unimplemented));
    }
  }

  onWritable(): void {
    // The whole request was handed over at the start.
  }

  onEnd(end: CallEnd): void {
    this.#running = undefined;
    if (end.failure !== undefined) {
      this.#fail(end.failure, end.attempts, end.note);
    } else if (this.#payload === undefined) {
      // Trailers-only with status 0 is a response that a gRPC server cannot have meant.
      const code = fieldOf(end.trailers, "grpc-status") === undefined ? Code.Unknown : Code.Unimplemented;
      this.#fail(cardinalityFailure("missing output message for unary method", code), end.attempts);
    } else {
      this.#decode(end, this.#payload);
    }
  }

  #request(body: Uint8Array | undefined): CallRequest {
    return requestOf(this.#environment, this.#method, this.#input, this.#lifetime.deadlineMs, body, this.#trace);
  }

  #start(request: CallRequest): void {
    if (!this.#lifetime.isOpen) return;
    this.#running = this.#environment.calls.make(request, this);
    this.#running.start();
  }

  #decode(end: CallEnd, payload: Uint8Array): void {
    try {
      const message = this.#environment.codec.decode(this.#method, end.headers, this.#flag, payload);
      if (message instanceof Promise) {
        message.then(
          (decoded) => this.#succeed(end, decoded),
          (error: unknown) => this.#failWith(error),
        );
      } else {
        this.#succeed(end, message);
      }
    } catch (error) {
      this.#failWith(error);
    }
  }

  #succeed(end: CallEnd, message: Message): void {
    if (!this.#lifetime.isOpen) return;
    this.#lifetime.end();
    this.#environment.observer.callEnded(this.#trace, undefined);
    const method = this.#method.desc as DescMethodUnary<I, O>;
    this.#caller.resolve({
      stream: false,
      service: method.parent,
      method,
      header: receivedHeaders(end.headers),
      message: message as MessageShape<O>,
      trailer: receivedHeaders(end.trailers),
    });
  }

  /** The request cannot be made, or the response cannot be read. */
  #failWith(error: unknown): void {
    const failure = invalidRequestFailure(Code.Internal, error);
    this.#reject(failure, toConnectError(failure, { attempts: 0 }));
  }

  #fail(failure: Failure, attempts: number, note?: string): void {
    this.#reject(failure, toConnectError(failure, { attempts, note }), failure.asIs);
  }

  #reject(failure: Failure, error: ConnectError, own?: ConnectError): void {
    if (!this.#lifetime.isOpen) return;
    this.#lifetime.end();
    this.#environment.observer.callEnded(this.#trace, failure);
    this.#caller.rejectLater(this.#environment.clock, tracedWhenThrown(error, own));
  }
}

function cardinalityFailure(text: string, code: Code): Failure {
  return { kind: "protocol", code, progress: "unknown", message: `protocol error: ${text}` };
}
