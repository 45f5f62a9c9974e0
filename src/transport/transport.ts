import type {
  DescMessage,
  DescMethod,
  DescMethodStreaming,
  DescMethodUnary,
  MessageInitShape,
} from "@bufbuild/protobuf";
import type { ContextValues, StreamResponse, Transport, UnaryResponse } from "@connectrpc/connect";
import { describeValue } from "../base/check.ts";
import type { MethodSpec } from "../base/method-spec.ts";
import { peerText } from "../base/peer-text.ts";
import { userAgent } from "../base/version.ts";
import type { PolicyExplanation } from "../calls/methods/explanation.ts";
import { rejectedLater } from "../channel/caller.ts";
import type { Channel, WaitOptions } from "../channel/channel.ts";
import { createChannel } from "../channel/create-channel.ts";
import { parseTarget } from "../endpoint/target.ts";
import type { GlinkListener } from "../observe/event-bus.ts";
import type { GlinkSnapshot } from "../observe/snapshot.ts";
import { inflate } from "../protocol/compression.ts";
import type { Protocol } from "../protocol/protocol.ts";
import { protocolOf } from "../protocol/protocols.ts";
import { type Runtime, runtimeFor } from "../runtime/runtime.ts";
import { Codec } from "./codec.ts";
import type { CallEnvironment, CallInput } from "./environment.ts";
import { InterceptedCalls } from "./interceptors/intercepted.ts";
import { TurnQuota } from "./messages/turn-quota.ts";
import { callStream } from "./stream.ts";
import { checkTransportOptions, type GlinkTransportOptions, type TransportSettings } from "./transport-options.ts";
import { callUnary } from "./unary.ts";

/** A Connect Transport with a pool of backends beneath. */
export interface GlinkTransport extends Transport {
  /**
   * Resolves once a backend is ready, and starts to connect if nothing has yet. Rejects with a ConnectError:
   * DeadlineExceeded after `timeoutMs`, with the newest reason in its text; Canceled by `signal`; FailedPrecondition
   * when the transport is closed; a RangeError or TypeError for a bad option.
   */
  ready(options?: WaitOptions): Promise<void>;
  /**
   * Takes no new calls, waits for the open ones, then closes every connection. After `timeoutMs` (default 10 000; 0: at
   * once; `Infinity`: no limit) or an abort of `signal`, calls still open fail with Canceled. Idempotent: every call
   * returns the promise of the first.
   */
  close(options?: WaitOptions): Promise<void>;
  /** `close()` with its defaults, for `await using`. */
  [Symbol.asyncDispose](): Promise<void>;
  /** The transport at this moment, as plain data. */
  snapshot(): GlinkSnapshot;
  /** Calls `listener` with every event, until the returned function is called. */
  subscribe(listener: GlinkListener): () => void;
  /**
   * What holds for calls of a method that ask for nothing themselves, and what set each value. The method is a descriptor,
   * `EchoService.method.unary`, or a name, `"pkg.Service/Method"`. Throws a TypeError for anything else.
   */
  explain(method: DescMethod | string): PolicyExplanation;
}

/**
 * Creates a Transport that spreads calls over all backends of `baseUrl`. Replaces connect-node's createGrpcTransport.
 *
 * Nothing is resolved or dialled before the first call or `ready()`. Throws a TypeError or RangeError for a bad option.
 */
export function glinkTransport(options: GlinkTransportOptions): GlinkTransport {
  return createTransport(options, runtimeFor(options));
}

/** As `glinkTransport`, with time, chance and the process' life of one's own. */
export function createTransport(options: GlinkTransportOptions, runtime: Runtime): GlinkTransport {
  const settings = checkTransportOptions(options);
  return new ConnectTransport(createChannel(settings.channel, runtime, protocolFor(settings)), settings);
}

function protocolFor({ protocol, codec, channel }: TransportSettings): Protocol {
  return protocolOf(protocol.name, {
    messageFormat: codec.useBinaryFormat ? "proto" : "json",
    useHttpGet: protocol.useHttpGet,
    inflateEnd: async (encoding, bytes) => {
      const name = encoding?.toLowerCase();
      const compression = codec.acceptCompression.find((one) => one.name.toLowerCase() === name);
      if (compression === undefined) throw new Error(`it is compressed as ${peerText(encoding ?? "nothing")}`);
      return inflate(compression, new Uint8Array(bytes), channel.readMaxBytes);
    },
  });
}

/** Connect's face of a channel: messages, headers and interceptors. */
class ConnectTransport implements GlinkTransport {
  readonly #channel: Channel;
  readonly #environment: CallEnvironment;
  readonly #intercepted: InterceptedCalls | undefined;
  readonly #defaultTimeoutMs: number | undefined;

  constructor(
    channel: Channel,
    { codec, interceptors, defaultTimeoutMs, channel: { baseUrl, readMaxBytes } }: TransportSettings,
  ) {
    this.#channel = channel;
    this.#environment = {
      channel,
      codec: new Codec({
        ...codec,
        target: parseTarget(baseUrl),
        inflateMaxBytes: readMaxBytes,
        userAgent,
        protocol: channel.protocol,
        clock: channel.clock,
      }),
      turnQuota: new TurnQuota(channel.clock),
      abandonedStreams: new FinalizationRegistry((call) => call.abandoned()),
    };
    this.#intercepted = interceptors.length === 0 ? undefined : new InterceptedCalls(this.#environment, interceptors);
    this.#defaultTimeoutMs = defaultTimeoutMs;
  }

  unary<I extends DescMessage, O extends DescMessage>(
    method: DescMethodUnary<I, O>,
    signal: AbortSignal | undefined,
    timeoutMs: number | undefined,
    header: HeadersInit | undefined,
    message: MessageInitShape<I>,
    contextValues?: ContextValues,
  ): Promise<UnaryResponse<I, O>> {
    const refused = this.#channel.refusal(signal, timeoutMs);
    if (refused !== undefined) return rejectedLater(this.#channel.clock, refused);
    this.#channel.wake();
    const input = inputOf({ signal, timeoutMs: this.#limitMs(method, timeoutMs), header, contextValues });
    return this.#intercepted === undefined
      ? callUnary(this.#environment, method, message, input)
      : this.#intercepted.unary(method, message, input);
  }

  stream<I extends DescMessage, O extends DescMessage>(
    method: DescMethodStreaming<I, O>,
    signal: AbortSignal | undefined,
    timeoutMs: number | undefined,
    header: HeadersInit | undefined,
    messages: AsyncIterable<MessageInitShape<I>>,
    contextValues?: ContextValues,
  ): Promise<StreamResponse<I, O>> {
    const refused = this.#channel.refusal(signal, timeoutMs);
    if (refused !== undefined) return rejectedLater(this.#channel.clock, refused);
    this.#channel.wake();
    const input = inputOf({ signal, timeoutMs: this.#limitMs(method, timeoutMs), header, contextValues });
    return this.#intercepted === undefined
      ? callStream(this.#environment, method, messages, input)
      : this.#intercepted.stream(method, messages, input);
  }

  ready(options?: WaitOptions): Promise<void> {
    return this.#channel.ready(options);
  }

  close(options?: WaitOptions): Promise<void> {
    return this.#channel.close(options);
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  snapshot(): GlinkSnapshot {
    return this.#channel.snapshot();
  }

  subscribe(listener: GlinkListener): () => void {
    return this.#channel.subscribe(listener);
  }

  explain(method: DescMethod | string): PolicyExplanation {
    return this.#channel.policies.explain(this.#methodOf(method), timeOf(this.#defaultTimeoutMs));
  }

  #methodOf(method: DescMethod | string): Pick<MethodSpec, "service" | "name"> {
    if (typeof method !== "string") {
      if (method?.kind === "rpc") return this.#environment.codec.method(method);
    } else if (/^[\w.]+\/\w+$/.test(method)) {
      const [service = "", name = ""] = method.split("/");
      return { service, name };
    }
    const wanted = 'a method\'s descriptor, or a name like "pkg.Service/Method"';
    throw new TypeError(`explain takes ${wanted}, not ${describeValue(method)}`);
  }

  /** The time of one call: its own, or the default, and never more than what its method has. */
  #limitMs(method: DescMethod, timeoutMs: number | undefined): number | undefined {
    const { policies } = this.#channel;
    const methodMs = policies.setsTimeouts ? policies.timeoutMsOf(this.#environment.codec.method(method)) : undefined;
    if (methodMs === undefined) return timeOf(timeoutMs ?? this.#defaultTimeoutMs);
    return Math.min(timeOf(timeoutMs) ?? methodMs, methodMs);
  }
}

/** A call as the client asks for it. */
function inputOf({
  signal,
  timeoutMs,
  header,
  contextValues,
}: Pick<CallInput, "signal" | "timeoutMs" | "header" | "contextValues">): CallInput {
  return { signal, timeoutMs, header, contextValues, fieldsRead: undefined, path: undefined, group: undefined };
}

/** Connect's rule: 0 or less is no limit. */
function timeOf(timeoutMs: number | undefined): number | undefined {
  const isLimit = timeoutMs !== undefined && timeoutMs > 0 && timeoutMs !== Number.POSITIVE_INFINITY;
  return isLimit ? timeoutMs : undefined;
}
