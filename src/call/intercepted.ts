import {
  create,
  type DescMessage,
  type DescMethodStreaming,
  type DescMethodUnary,
  type MessageInitShape,
} from "@bufbuild/protobuf";
import {
  Code,
  ConnectError,
  createContextValues,
  type Interceptor,
  type StreamRequest,
  type StreamResponse,
  type UnaryRequest,
  type UnaryResponse,
} from "@connectrpc/connect";
import type { MethodInfo } from "./call.ts";
import type { CallEnvironment, CallInput } from "./environment.ts";
import { InterceptorScope } from "./interceptor-scope.ts";
import { callStream } from "./stream.ts";
import { timeoutHeader } from "./timeout.ts";
import { callUnary } from "./unary.ts";

type AnyFn = ReturnType<Interceptor>;
type AnyRequest = Parameters<AnyFn>[0];

/**
 * Calls with the user's interceptors around them, once per call, the first of the list outermost, as Connect has it.
 * Retries happen beneath. Only here is a call given Headers, an AbortSignal and context values of its own.
 */
export class InterceptedCalls {
  readonly #environment: CallEnvironment;
  readonly #interceptors: readonly Interceptor[];

  constructor(environment: CallEnvironment, interceptors: readonly Interceptor[]) {
    this.#environment = environment;
    this.#interceptors = interceptors;
  }

  unary<I extends DescMessage, O extends DescMessage>(
    method: DescMethodUnary<I, O>,
    message: MessageInitShape<I>,
    input: CallInput,
  ): Promise<UnaryResponse<I, O>> {
    const scope = new InterceptorScope(this.#environment, input);
    return scope.run(() => {
      const common = this.#common(method, scope, input);
      const request = { ...common, stream: false, method, message: create(method.input, message) } as UnaryRequest;
      return this.#chain(scope)(request) as Promise<UnaryResponse<I, O>>;
    });
  }

  stream<I extends DescMessage, O extends DescMessage>(
    method: DescMethodStreaming<I, O>,
    messages: AsyncIterable<MessageInitShape<I>>,
    input: CallInput,
  ): Promise<StreamResponse<I, O>> {
    const scope = new InterceptorScope(this.#environment, input);
    return scope.run(async () => {
      const common = this.#common(method, scope, input);
      const request = { ...common, stream: true, method, message: normalized(method.input, messages) } as StreamRequest;
      const response = (await this.#chain(scope)(request)) as StreamResponse<I, O>;
      return { ...response, message: mapErrors(response.message, (error) => scope.errorFor(error)) };
    });
  }

  /** Made for each call: an interceptor may keep what belongs to one call between `next` and its request. */
  #chain(scope: InterceptorScope): AnyFn {
    let next: AnyFn = (request) => this.#call(scope, request);
    for (let i = this.#interceptors.length - 1; i >= 0; i--) next = (this.#interceptors[i] as Interceptor)(next);
    return next;
  }

  #common(method: DescMethodUnary | DescMethodStreaming, scope: InterceptorScope, input: CallInput) {
    const info = this.#environment.codec.method(method);
    return {
      service: method.parent,
      requestMethod: "POST",
      url: info.url,
      signal: scope.signal,
      header: requestHeader(info, input),
      contextValues: input.contextValues ?? createContextValues(),
    };
  }

  /** The innermost function: what the last interceptor calls. */
  #call(scope: InterceptorScope, request: AnyRequest): Promise<UnaryResponse | StreamResponse> {
    const { header, contextValues, signal } = request;
    const input: CallInput = {
      signal,
      timeoutMs: scope.remainingMs(),
      header,
      contextValues,
      path: pathOf(request.url, this.#environment.codec.method(request.method)),
      scope,
    };
    return request.stream
      ? callStream(this.#environment, request.method, request.message, input)
      : callUnary(this.#environment, request.method, request.message, input);
  }
}

/** The headers that interceptors see and change: the caller's, and what the protocol adds. */
function requestHeader(method: MethodInfo, input: CallInput): Headers {
  const header = new Headers(input.header);
  const { fields } = method.head;
  for (let i = 0; i < fields.length; i += 2) {
    const name = fields[i] as string;
    if (name !== "user-agent" || !header.has(name)) header.set(name, fields[i + 1] as string);
  }
  if (input.timeoutMs !== undefined) header.set("grpc-timeout", timeoutHeader(input.timeoutMs));
  return header;
}

/** The path to call when an interceptor changed the URL. Another host is another transport's. */
function pathOf(url: string, method: MethodInfo): string | undefined {
  if (url === method.url) return undefined;
  const changed = new URL(url);
  const { origin } = new URL(method.url);
  if (changed.origin === origin) return changed.pathname + changed.search;
  const text = `an interceptor changed the URL to ${changed.origin}, but this transport connects to ${origin}`;
  throw new ConnectError(text, Code.Internal);
}

async function* normalized<I extends DescMessage>(schema: I, messages: AsyncIterable<MessageInitShape<I>>) {
  for await (const message of messages) yield create(schema, message);
}

/** The same messages, with errors of the interceptors' own code turned into ConnectErrors. */
function mapErrors<T>(messages: AsyncIterable<T>, map: (error: unknown) => ConnectError): AsyncIterable<T> {
  return {
    [Symbol.asyncIterator](): AsyncIterator<T> {
      const iterator = messages[Symbol.asyncIterator]();
      return {
        next: () => iterator.next().catch((error: unknown) => Promise.reject(map(error))),
        return: async () => (await iterator.return?.()) ?? { done: true, value: undefined },
      };
    },
  };
}
