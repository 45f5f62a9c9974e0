import type { ContextValues } from "@connectrpc/connect";
import type { Failure } from "../base/errors.ts";
import type { MethodSpec } from "../base/method-spec.ts";
import type { HeaderFields, MethodHead } from "../http2/connection.ts";
import type { FramedMessage } from "../protocol/framed-message.ts";
import type { GlinkCallOptions } from "./call-options.ts";
import type { CallTrace } from "./call-trace.ts";

/** One logical call, whatever its attempts. */
export interface CallRequest {
  readonly method: MethodSpec;
  /** Path and constant fields: the method's own unless an interceptor or the caller's user agent changed it. */
  head: MethodHead;
  readonly metadata: HeaderFields;
  readonly contextValues: ContextValues | undefined;
  readonly options: GlinkCallOptions;
  /** In clock time; `Infinity` without one. */
  readonly deadlineMs: number;
  /** Undefined where nobody follows the call. */
  trace: CallTrace | undefined;
  /** The whole request, framed, where it is known from the start. Gone once no attempt will need it any more. */
  body: FramedMessage | undefined;
}

/** How a call ended. */
export interface CallEnd {
  readonly failure: Failure | undefined;
  readonly headers: HeaderFields;
  readonly trailers: HeaderFields;
  /** Attempts that may have reached a backend. */
  readonly attempts: number;
  /** Of the backend of the last attempt, if there was one. */
  readonly address: string | undefined;
  /** Why no further attempt was made, where that needs saying. */
  readonly note: string | undefined;
}

/** Told of one call's response. Nothing comes before the call is committed to an attempt. */
export interface CallListener {
  onHeaders(fields: HeaderFields): void;
  /** One message as it came: `flag` 1 is compressed. The listener owns the bytes. */
  onMessage(flag: number, payload: Uint8Array): void;
  /** More may be sent, after `send` returned false. */
  onWritable(): void;
  /** Exactly once, and last. */
  onEnd(end: CallEnd): void;
}

/** One call on its way to a backend. */
export interface RunningCall {
  /** Begins, once. Whoever hears of its first attempt may cancel the call before this returns. */
  start(): void;
  /** Sends one framed message. False: wait for `onWritable`. */
  send(framed: FramedMessage): boolean;
  /** Ends the request side, with a last framed message or none. */
  halfClose(framed?: FramedMessage): void;
  pause(): void;
  resume(): void;
  /** Ends the call from this side: its listener hears `onEnd` with the failure. Ignored after the end. */
  cancel(failure: Failure): void;
}

/** Makes calls, for everything above. */
export interface CallFactory {
  /** A call that has not started. Throws an error that names a call option that is wrong. */
  make(request: CallRequest, listener: CallListener): RunningCall;
}
