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
  type StreamResponse,
  type UnaryResponse,
} from "@connectrpc/connect";
import { checkObject } from "../../base/check.ts";
import { earlyError } from "../../base/connect-error.ts";
import { connectErrorFrom } from "../../base/thrown.ts";
import { signalError } from "../../calls/abort-watch.ts";
import { rejectedLater } from "../../channel/caller.ts";
import { noFields, readFields } from "../../protocol/metadata.ts";
import { callHeaders, fieldsIn } from "../call-headers.ts";
import type { Codec } from "../codec.ts";
import type { CallEnvironment, CallInput } from "../environment.ts";
import { CallerMessages } from "../messages/caller-messages.ts";
import type { MethodInfo } from "../method-info.ts";
import { callStream } from "../stream.ts";
import { callUnary } from "../unary.ts";
import { InterceptedMessages } from "./intercepted-messages.ts";
import { InterceptorScope } from "./interceptor-scope.ts";
import { addSignal, otherSignalOf } from "./lazy-signal.ts";

type AnyFn = ReturnType<Interceptor>;
type AnyRequest = Parameters<AnyFn>[0];

/**
 * Calls with the user's interceptors around them, once per call, the first of the list outermost, as Connect has it.
 * Retries happen beneath. Only here is a call given Headers, an AbortSignal and context values of its own.
 */
export class InterceptedCalls {
  readonly #environment: CallEnvironment;
  readonly #interceptors: readonly Interceptor[];
  readonly #callEnded = new ConnectError("the call has ended", Code.Canceled);

  constructor(environment: CallEnvironment, interceptors: readonly Interceptor[]) {
    this.#environment = environment;
    this.#interceptors = interceptors;
  }

  async unary<I extends DescMessage, O extends DescMessage>(
    method: DescMethodUnary<I, O>,
    message: MessageInitShape<I>,
    input: CallInput,
  ): Promise<UnaryResponse<I, O>> {
    const scope = new InterceptorScope(this.#environment, input, this.#callEnded, undefined);
    const request = () => this.#request(method, create(method.input, message), input);
    return this.#run(scope, request, (response) => {
      scope.finish();
      return response as UnaryResponse<I, O>;
    });
  }

  async stream<I extends DescMessage, O extends DescMessage>(
    method: DescMethodStreaming<I, O>,
    messages: AsyncIterable<MessageInitShape<I>>,
    input: CallInput,
  ): Promise<StreamResponse<I, O>> {
    const requests = new CallerMessages(method.input, messages);
    const messagesSent = requests as CallerMessages<DescMessage>;
    const scope = new InterceptorScope(this.#environment, input, this.#callEnded, messagesSent);
    const request = () => this.#request(method, requests, input);
    return this.#run(scope, request, (answer) => {
      const response = answer as StreamResponse<I, O>;
      const message = new InterceptedMessages(scope, response.message);
      this.#environment.abandonedStreams.register(message, scope, scope);
      return { ...response, message };
    });
  }

  /**
   * Runs the chain. It is made for each call: an interceptor may keep what belongs to one call around its request. What
   * it returns goes through `show` to the user.
   */
  async #run<R>(
    scope: InterceptorScope,
    request: () => { readonly header: Headers },
    show: (response: UnaryResponse | StreamResponse) => R,
  ): Promise<R> {
    try {
      const response = await scope.run(() => {
        let header: Headers | undefined;
        let next: AnyFn = (passedOn) => this.#passOn(scope, passedOn, header);
        for (const interceptor of this.#interceptors.toReversed()) next = interceptor(next);
        const made = request();
        header = made.header;
        return next(addSignal(made, scope) as unknown as AnyRequest);
      });
      return show(checkObject("what an interceptor returns", response, "a response"));
    } catch (error) {
      const failure = connectErrorFrom(error);
      scope.finish(failure);
      return rejectedLater(this.#environment.channel.clock, failure);
    }
  }

  /** One literal: V8 takes longer to spread one into another than for half of a call. */
  #request(method: DescMethodUnary | DescMethodStreaming, message: unknown, input: CallInput) {
    const info = this.#environment.codec.method(method);
    return {
      stream: method.methodKind !== "unary",
      service: method.parent,
      requestMethod: "POST",
      url: info.url,
      header: requestHeader(this.#environment.codec, info, input),
      contextValues: input.contextValues ?? createContextValues(),
      method,
      message,
    };
  }

  /** The innermost function: what the last interceptor calls. It rejects, and does not throw. `ownHeader`: as it was made. */
  #passOn(
    scope: InterceptorScope,
    request: AnyRequest,
    ownHeader: Headers | undefined,
  ): Promise<UnaryResponse | StreamResponse> {
    const { header, contextValues } = request;
    let signal: AbortSignal | undefined;
    let path: string | undefined;
    try {
      // The scope cancels what it passed on: only another signal needs watching.
      signal = otherSignalOf(request, scope);
      const invalid = signalError(signal);
      if (invalid !== undefined) throw invalid;
      path = pathOf(request.url, this.#environment.codec.method(request.method));
    } catch (error) {
      const refused = Promise.reject(error);
      // As any other answer: an interceptor may let go of it.
      refused.catch(() => undefined);
      return refused;
    }
    const fieldsRead = header === ownHeader ? fieldsIn(header) : undefined;
    const input: CallInput = { signal, timeoutMs: undefined, header, contextValues, fieldsRead, path, group: scope };
    return request.stream
      ? callStream(this.#environment, request.method, request.message, input)
      : callUnary(this.#environment, request.method, request.message, input);
  }
}

/** The headers that interceptors see and change: the caller's, and what the protocol adds. */
function requestHeader(codec: Codec, method: MethodInfo, { header, timeoutMs }: CallInput): Headers {
  // Whether the message is compressed is not known yet; Connect says so of each that may be.
  const added = codec.compressedHead(method, method.head).fields;
  const timeout = timeoutMs === undefined ? noFields : codec.protocol.timeoutField(timeoutMs);
  if (header === undefined) return callHeaders([...added, ...timeout]);
  // Refuses by name what the constructor of Headers would refuse with a TypeError.
  const given = readFields(header);
  const all = callHeaders(given);
  for (const list of [added, timeout]) {
    for (let i = 0; i < list.length; i += 2) {
      const name = list[i] as string;
      if (name !== "user-agent" || !all.has(name)) all.set(name, list[i + 1] as string);
    }
  }
  return all;
}

/** The path to call when an interceptor changed the URL. Another host is another transport's. */
function pathOf(url: string, method: MethodInfo): string | undefined {
  if (url === method.url) return undefined;
  const changed = new URL(url);
  const { origin } = new URL(method.url);
  if (changed.origin === origin) return changed.pathname + changed.search;
  const text = `an interceptor changed the URL to ${changed.origin}, but this transport connects to ${origin}`;
  throw earlyError("invalid-request", Code.Internal, text);
}
