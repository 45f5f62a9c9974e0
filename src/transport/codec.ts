import {
  create,
  type DescMessage,
  type DescMethod,
  fromBinary,
  fromJsonString,
  type Message,
  type MessageInitShape,
  toJsonString,
} from "@bufbuild/protobuf";
import { MethodOptions_IdempotencyLevel } from "@bufbuild/protobuf/wkt";
import { Code } from "@connectrpc/connect";
import type { Compression } from "@connectrpc/connect/protocol";
import { earlyError } from "../base/connect-error.ts";
import type { Failure } from "../base/errors.ts";
import type { MethodSpec } from "../base/method-spec.ts";
import { peerText } from "../base/peer-text.ts";
import { describeCause } from "../base/thrown.ts";
import type { Target } from "../endpoint/target.ts";
import type { HeaderFields, MethodHead } from "../http2/connection.ts";
import { CompressionWork } from "../protocol/compression-work.ts";
import { compressedFlag, tooLargeText } from "../protocol/framing.ts";
import type { Protocol } from "../protocol/protocol.ts";
import type { Clock } from "../runtime/clock.ts";
import type { CodecSettings } from "./codec-options.ts";
import { binaryEncoder } from "./large-bytes.ts";
import type { MethodInfo } from "./method-info.ts";
import { OwnBytes } from "./own-bytes.ts";

/** How messages of one transport are written and read. */
export interface CodecOptions extends CodecSettings {
  readonly target: Target;
  /** What a compressed message may inflate to. Undefined: see `inflatedMaxBytes`. */
  readonly inflateMaxBytes: number | undefined;
  readonly userAgent: string;
  readonly protocol: Protocol;
  readonly clock: Clock;
}

/** Messages to bytes and back: serialization, compression, and the constant headers that announce them. */
export class Codec {
  readonly protocol: Protocol;
  readonly #options: CodecOptions;
  readonly #methods = new WeakMap<DescMethod, MethodInfo>();
  /** The method of the call before, which most calls repeat: a look into the map costs more than all else here. */
  #lastMethod: MethodInfo | undefined;
  readonly #compressedHeads = new WeakMap<MethodHead, MethodHead>();
  readonly #ownBytes = new OwnBytes();
  readonly #compressionWork: CompressionWork;

  constructor(options: CodecOptions) {
    this.protocol = options.protocol;
    this.#options = options;
    this.#compressionWork = new CompressionWork(options.clock);
  }

  /** What is sent as user-agent where the caller has none of its own. */
  get userAgent(): string {
    return this.#options.userAgent;
  }

  /** What is constant for a method, made at its first call. */
  method(desc: DescMethod): MethodInfo {
    if (this.#lastMethod?.desc === desc) return this.#lastMethod;
    let info = this.#methods.get(desc);
    if (info === undefined) {
      info = this.#describe(desc);
      this.#methods.set(desc, info);
    }
    this.#lastMethod = info;
    return info;
  }

  /** A head for another path or user agent than the method's own. */
  head(method: MethodSpec, path: string, userAgent: string | undefined): MethodHead {
    const { useBinaryFormat, sendCompression, acceptCompression } = this.#options;
    return this.protocol.head({
      method,
      path,
      userAgent: userAgent ?? this.#options.userAgent,
      messageFormat: useBinaryFormat ? "proto" : "json",
      sendEncoding: sendCompression?.name,
      acceptEncodings: acceptCompression.map(({ name }) => name),
    });
  }

  /** The head of a request whose message goes into its URL; undefined: it goes into a body. Positional, on every call's path. */
  bodilessHead(method: MethodSpec, head: MethodHead, payload: Uint8Array, flag: number): MethodHead | undefined {
    const { bodiless } = this.protocol;
    if (bodiless === undefined) return undefined;
    return bodiless(method, head, payload, flag === compressedFlag ? this.#options.sendCompression?.name : undefined);
  }

  /** The head of a request whose single message is compressed. */
  compressedHead(method: MethodSpec, head: MethodHead): MethodHead {
    const { protocol } = this;
    const { sendCompression } = this.#options;
    if (protocol.compressedHead === undefined || sendCompression === undefined) return head;
    let compressed = this.#compressedHeads.get(head);
    if (compressed === undefined) {
      compressed = protocol.compressedHead(method, head, sendCompression.name);
      this.#compressedHeads.set(head, compressed);
    }
    return compressed;
  }

  /** The bytes of a message, as they are before {@link compress}. Throws a ConnectError. */
  encode(method: MethodInfo, message: MessageInitShape<DescMessage>): Uint8Array {
    const { writeMaxBytes } = this.#options;
    const payload = method.serialize(create(method.desc.input, message));
    if (payload.length > writeMaxBytes) {
      const text = tooLargeText(payload.length, "writeMaxBytes", writeMaxBytes);
      throw earlyError("invalid-request", Code.ResourceExhausted, text);
    }
    return payload;
  }

  /** What an encoded message is sent as where it is compressed, or a promise of that; undefined: it is sent as it is. */
  compress(payload: Uint8Array): Uint8Array | Promise<Uint8Array> | undefined {
    const { sendCompression, compressMinBytes } = this.#options;
    if (sendCompression === undefined || payload.length < compressMinBytes) return undefined;
    return this.#compressionWork.compress(sendCompression, payload);
  }

  /** The message of a payload; a promise where it takes longer to inflate. Throws, or rejects with, a ConnectError. */
  decode(method: MethodInfo, headers: HeaderFields, flag: number, payload: Uint8Array): Message | Promise<Message> {
    if (flag === 0) return method.parse(payload);
    if (flag !== compressedFlag) {
      throw earlyError("protocol", Code.Internal, `protocol error: message has invalid flags 0x${flag.toString(16)}`);
    }
    const compression = this.#compressionOf(method, headers);
    if (compression === undefined) {
      const text = "protocol error: received a compressed message, but the headers do not say how";
      throw earlyError("protocol", Code.Internal, text);
    }
    const plain = this.#compressionWork.inflate(compression, payload, this.#options.inflateMaxBytes);
    return plain instanceof Uint8Array ? method.parse(plain) : plain.then((bytes) => method.parse(bytes));
  }

  /** What is wrong with a response's encoding, known from its headers. */
  encodingFailure(method: MethodSpec, headers: HeaderFields): Failure | undefined {
    const encoding = this.protocol.encodingOf(method, headers);
    if (encoding === undefined || encoding.toLowerCase() === "identity") return undefined;
    if (this.#compressionOf(method, headers) !== undefined) return undefined;
    return {
      kind: "encoding",
      code: Code.Internal,
      progress: "unknown",
      message: `unsupported response encoding "${peerText(encoding)}"`,
      wire: { metadata: headers, details: [], isWireError: false },
    };
  }

  #compressionOf(method: MethodSpec, headers: HeaderFields): Compression | undefined {
    const encoding = this.protocol.encodingOf(method, headers)?.toLowerCase();
    return this.#options.acceptCompression.find(({ name }) => name.toLowerCase() === encoding);
  }

  #describe(desc: DescMethod): MethodInfo {
    const { target } = this.#options;
    const path = `${target.pathPrefix}/${desc.parent.typeName}/${desc.name}`;
    const spec: MethodSpec = {
      service: desc.parent.typeName,
      name: desc.name,
      singleRequest: desc.methodKind === "unary" || desc.methodKind === "server_streaming",
      singleResponse: desc.methodKind === "unary" || desc.methodKind === "client_streaming",
      idempotency: idempotencyOf(desc),
    };
    return {
      ...spec,
      desc,
      head: this.head(spec, path, undefined),
      url: `${target.url}/${desc.parent.typeName}/${desc.name}`,
      ...(this.#options.useBinaryFormat ? this.#binary(desc) : this.#json(desc)),
    };
  }

  #binary(desc: DescMethod): Pick<MethodInfo, "serialize" | "parse"> {
    const { binaryOptions } = this.#options;
    const giveOwnBytes = this.#ownBytes.giverOf(desc.output);
    return {
      serialize: guarded("invalid-request", "serialize binary", binaryEncoder(desc.input, binaryOptions)),
      parse: guarded("invalid-response", "parse binary", (bytes) => {
        const message = fromBinary(desc.output, bytes, binaryOptions);
        giveOwnBytes(message, bytes);
        return message;
      }),
    };
  }

  #json(desc: DescMethod): Pick<MethodInfo, "serialize" | "parse"> {
    const options = {
      ...this.#options.jsonOptions,
      ignoreUnknownFields: this.#options.jsonOptions?.ignoreUnknownFields ?? true,
    };
    const encoder = new TextEncoder();
    const decoder = new TextDecoder();
    return {
      serialize: guarded("invalid-request", "serialize JSON", (message) =>
        encoder.encode(toJsonString(desc.input, message, options)),
      ),
      parse: guarded("invalid-response", "parse JSON", (bytes) =>
        fromJsonString(desc.output, decoder.decode(bytes), options),
      ),
    };
  }
}

function idempotencyOf({ idempotency }: DescMethod): MethodSpec["idempotency"] {
  switch (idempotency) {
    case MethodOptions_IdempotencyLevel.NO_SIDE_EFFECTS:
      return "no-side-effects";
    case MethodOptions_IdempotencyLevel.IDEMPOTENT:
      return "idempotent";
    default:
      return "unknown";
  }
}

/** The same work, whose errors are ConnectErrors that say what was done. */
function guarded<A, R>(
  kind: "invalid-request" | "invalid-response",
  what: string,
  work: (argument: A) => R,
): (argument: A) => R {
  return (argument) => {
    try {
      return work(argument);
    } catch (error) {
      throw earlyError(kind, Code.Internal, `${what}: ${describeCause(error)}`, error);
    }
  };
}
