import type { DescMessage, DescMethodUnary, Message, MessageInitShape, MessageShape } from "@bufbuild/protobuf";
import { Code, type ConnectError, type UnaryResponse } from "@connectrpc/connect";
import { type Failure, headersOf, invalidRequestFailure, toConnectError } from "../errors.ts";
import type { HeaderFields } from "../http2/connection.ts";
import type { CallEnd, CallListener, MethodInfo, RunningCall } from "./call.ts";
import { glinkCall } from "./call-options.ts";
import type { CallEnvironment, CallInput } from "./environment.ts";
import { Lifetime } from "./lifetime.ts";
import { readMetadata } from "./metadata.ts";
import type { Cancellable } from "./open-calls.ts";
import { fieldOf } from "./status.ts";

/** Makes a unary call. Rejects with a ConnectError. */
export function callUnary<I extends DescMessage, O extends DescMessage>(
  environment: CallEnvironment,
  method: DescMethodUnary<I, O>,
  message: MessageInitShape<I>,
  input: CallInput,
): Promise<UnaryResponse<I, O>> {
  return new Promise((resolve, reject) => {
    const call = new UnaryCall<I, O>(environment, method, input, resolve, reject);
    call.begin(message);
  });
}

class UnaryCall<I extends DescMessage, O extends DescMessage> implements CallListener, Cancellable {
  readonly #environment: CallEnvironment;
  readonly #method: MethodInfo;
  readonly #input: CallInput;
  readonly #resolve: (response: UnaryResponse<I, O>) => void;
  readonly #reject: (error: ConnectError) => void;
  readonly #lifetime: Lifetime;
  #running: RunningCall | undefined;
  #payload: Uint8Array | undefined;
  #flag = 0;

  constructor(
    environment: CallEnvironment,
    method: DescMethodUnary<I, O>,
    input: CallInput,
    resolve: (response: UnaryResponse<I, O>) => void,
    reject: (error: ConnectError) => void,
  ) {
    this.#environment = environment;
    this.#method = environment.codec.method(method);
    this.#input = input;
    this.#resolve = resolve;
    this.#reject = reject;
    this.#lifetime = new Lifetime(environment.openCalls, environment.clock, input.timeoutMs, input.signal);
  }

  begin(message: MessageInitShape<I>): void {
    this.#input.scope?.innerStarted();
    this.#lifetime.begin(this);
    try {
      const body = this.#environment.codec.encode(this.#method, message);
      if (body instanceof Uint8Array) this.#start(body);
      else body.then((bytes) => this.#start(bytes)).catch((error: unknown) => this.#invalid(error));
    } catch (error) {
      this.#invalid(error);
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

  #start(body: Uint8Array): void {
    if (!this.#lifetime.isOpen) return;
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
        body,
      },
      this,
    );
  }

  #decode(end: CallEnd, payload: Uint8Array): void {
    try {
      const message = this.#environment.codec.decode(this.#method, end.headers, this.#flag, payload);
      if (message instanceof Promise) {
        message.then(
          (decoded) => this.#succeed(end, decoded),
          (error: unknown) => this.#invalid(error),
        );
      } else {
        this.#succeed(end, message);
      }
    } catch (error) {
      this.#invalid(error);
    }
  }

  #succeed(end: CallEnd, message: Message): void {
    if (!this.#lifetime.isOpen) return;
    this.#lifetime.end();
    this.#input.scope?.innerEnded();
    this.#resolve(new GlinkUnaryResponse(this.#method.desc as DescMethodUnary<I, O>, message as MessageShape<O>, end));
  }

  #invalid(error: unknown): void {
    this.#fail(invalidRequestFailure(Code.Internal, error), 0);
  }

  #fail(failure: Failure, attempts: number, note?: string): void {
    if (!this.#lifetime.isOpen) return;
    this.#lifetime.end();
    this.#input.scope?.innerEnded();
    this.#reject(toConnectError(failure, { attempts, note }));
  }
}

function cardinalityFailure(text: string, code: Code): Failure {
  return { kind: "protocol", code, progress: "unknown", message: `protocol error: ${text}` };
}

/** A response whose headers and trailers are built when somebody looks at them. */
class GlinkUnaryResponse<I extends DescMessage, O extends DescMessage> implements UnaryResponse<I, O> {
  readonly stream = false;
  readonly method: DescMethodUnary<I, O>;
  readonly message: MessageShape<O>;
  readonly #headers: HeaderFields;
  readonly #trailers: HeaderFields;
  #header: Headers | undefined;
  #trailer: Headers | undefined;

  constructor(method: DescMethodUnary<I, O>, message: MessageShape<O>, end: CallEnd) {
    this.method = method;
    this.message = message;
    this.#headers = end.headers;
    this.#trailers = end.trailers;
  }

  get service() {
    return this.method.parent;
  }

  get header(): Headers {
    this.#header ??= headersOf(this.#headers);
    return this.#header;
  }

  get trailer(): Headers {
    this.#trailer ??= headersOf(this.#trailers);
    return this.#trailer;
  }
}
