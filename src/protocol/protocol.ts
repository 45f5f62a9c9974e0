import type { Failure } from "../base/errors.ts";
import type { MethodSpec } from "../base/method-spec.ts";
import type { ProtocolName } from "../base/protocol-name.ts";
import type { HeaderFields, MethodHead } from "../http2/connection.ts";
import type { FramedMessage } from "./framed-message.ts";
import type { MessageMemory } from "./message-memory.ts";
import { noFields } from "./metadata.ts";

/**
 * How a call is written on the wire, and how its response is read: what all calls of a channel share. It has no state;
 * that of a response is its {@link ResponseReader}'s.
 */
export interface Protocol {
  readonly name: ProtocolName;
  /** The same for messages in binary: what the channel asks for itself has them, whatever the user's are. */
  inBinary(): Protocol;
  /** Names of request headers that the protocol sets itself: a caller's own values for them are ignored. */
  readonly ownNames: ReadonlySet<string>;
  /** What is constant for a method. Asked once per method, and for each call with a path or a user agent of its own. */
  head(init: HeadInit): MethodHead;
  /**
   * The head of a request whose single message is compressed, where that is another than the head that announces the
   * compression. Undefined: the protocol says of each message whether it is.
   */
  readonly compressedHead: ((method: MethodSpec, head: MethodHead, encoding: string) => MethodHead) | undefined;
  /**
   * The head of a request without a body, its message in the URL; undefined where the call has to have a body. Undefined
   * altogether: it always has.
   */
  readonly bodiless:
    | ((
        method: MethodSpec,
        head: MethodHead,
        message: Uint8Array,
        encoding: string | undefined,
      ) => MethodHead | undefined)
    | undefined;
  /** One request message as it travels in the body, in bytes out of `memory`. `flag` 1: it is compressed. */
  frame(method: MethodSpec, payload: Uint8Array, flag: number, memory: MessageMemory): FramedMessage;
  /** The bytes that `frame` puts around a message: what the message itself takes is the rest. */
  framingBytes(method: MethodSpec): number;
  /**
   * The request headers of one attempt, beside its head: the call's metadata as it is where nothing is to be added.
   * `remainingMs`: until the call's deadline, `Infinity` without one. `previousAttempts`: those that may have reached a
   * backend. Positional, because this is the path of every call.
   */
  attemptFields(
    metadata: HeaderFields,
    added: HeaderFields | undefined,
    remainingMs: number,
    previousAttempts: number,
  ): HeaderFields;
  /** The header that tells a timeout, for those who look at a request before it is sent: name and value. */
  timeoutField(timeoutMs: number): readonly [name: string, value: string];
  /** The compression of the response's messages, as its headers name it. */
  encodingOf(method: MethodSpec, headers: HeaderFields): string | undefined;
  /** Reads the response of one attempt. `address`: of the backend that answers, for failures. */
  reader(method: MethodSpec, limits: ReadLimits, address: string): ResponseReader;
}

/** What the constant part of a request depends on. */
export interface HeadInit {
  readonly method: MethodSpec;
  readonly path: string;
  readonly userAgent: string;
  readonly messageFormat: "proto" | "json";
  /** The compression of request messages; undefined without one. */
  readonly sendEncoding: string | undefined;
  readonly acceptEncodings: readonly string[];
}

/** What holds for all responses of a channel. */
export interface ReadLimits {
  /** A longer message ends its call: as it comes, before it is decompressed. */
  readonly readMaxBytes: number;
  /** Where messages are kept until they are decoded. */
  readonly messageMemory: MessageMemory;
}

/** Told of each message of a response. */
export interface MessageListener {
  /**
   * `payload` belongs to the listener. `flag` 1: it is compressed; anything but 0 and 1 is the peer's fault. Returning
   * false ends the reading: no further bytes are taken.
   */
  onMessage(flag: number, payload: Uint8Array): boolean;
}

/** What has come of a response. */
export interface ReceivedResponse {
  /** As the caller sees them: empty until they have come. */
  readonly headers: HeaderFields;
  /** As the caller sees them: empty until they have come, and where the response has only headers. */
  readonly trailers: HeaderFields;
  /** True once a byte of a message has come: the handler has answered. */
  readonly messageStarted: boolean;
  /** What the server asked for: a wait in milliseconds, "stop" for no further attempt, or nothing (gRFC A6). */
  readonly pushback: number | "stop" | undefined;
}

/** Nothing has come, nor was anything sent. */
export const noResponse: ReceivedResponse = Object.freeze({
  headers: noFields,
  trailers: noFields,
  messageStarted: false,
  pushback: undefined,
});

/**
 * Reads one response, from its head to its status. Its failures are what the response says or breaks; that a connection
 * is lost is not its affair.
 */
export interface ResponseReader extends ReceivedResponse {
  /** The head has come. A failure: what follows is no answer, and is not read. */
  readHead(status: number, fields: HeaderFields): Failure | undefined;
  /** A piece of the body has come, from `start` to `end` of `bytes`. A failure: it cannot be read on. */
  readBody(bytes: Uint8Array, start: number, end: number, listener: MessageListener): Failure | undefined;
  /**
   * The response is over in good order, with these trailers. What it came to: undefined for success. A promise, which
   * never rejects, where the status has to be decompressed first. A protocol whose messages have no length of their own
   * hands its message over here.
   */
  readEnd(trailers: HeaderFields, listener: MessageListener): Failure | undefined | Promise<Failure | undefined>;
}
