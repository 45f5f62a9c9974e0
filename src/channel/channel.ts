import type { ConnectError, ContextValues } from "@connectrpc/connect";
import type { Failure } from "../base/errors.ts";
import type { MethodSpec } from "../base/method-spec.ts";
import type { CallListener, CallRequest } from "../calls/call.ts";
import type { MethodPolicies } from "../calls/methods/method-policies.ts";
import type { CallGroup, OpenCalls } from "../calls/open-calls.ts";
import type { UnreadMemory } from "../http2/unread-memory.ts";
import type { GlinkListener } from "../observe/event-bus.ts";
import type { GlinkSnapshot } from "../observe/snapshot.ts";
import type { Protocol } from "../protocol/protocol.ts";
import type { Clock } from "../runtime/clock.ts";

/** How long `ready()` and `close()` wait. */
export interface WaitOptions {
  /** In milliseconds. Default: no limit for `ready`, 10 000 for `close`. */
  readonly timeoutMs?: number;
  /** Stops waiting when aborted. */
  readonly signal?: AbortSignal;
}

/** What a call begins with: what may end it from this side, and what belongs to it. */
export interface CallInit {
  readonly signal: AbortSignal | undefined;
  /** From `begin` on, above 0; undefined: none. */
  readonly timeoutMs: number | undefined;
  /** What the call belongs to; undefined: the channel itself. */
  readonly group: CallGroup | undefined;
  readonly contextValues: ContextValues | undefined;
}

/**
 * One call: bytes, paths and flat lists of metadata. It is over once its listener returned from `onEnd`, unless that
 * said {@link keepOpen}.
 */
export interface ChannelCall {
  /** In clock time; `Infinity` without a deadline. It goes into the request. */
  readonly deadlineMs: number;
  /** True from `begin` to the end: the call counts as open, and its limits hold. */
  readonly isOpen: boolean;
  /** Whoever reads the response left before its end: what comes of the call then is no error to anybody. */
  readonly isLeft: boolean;
  /**
   * From now on its limits hold. For whoever has work before the request can be made: `start` begins a call that has
   * not begun. The listener may hear of the end before this returns.
   */
  begin(): void;
  /**
   * Sends the request, and of a method with a single request its one message. Ignored once the call is over. Throws an
   * error that names a call option that is wrong.
   */
  start(request: CallRequest, message?: Uint8Array, flag?: number): void;
  /** Sends one message; `flag` 1: it is compressed as the head says. False: wait for `onWritable`. Ignored after the end. */
  send(message: Uint8Array, flag?: number): boolean;
  /** Ends the request side, with a last message or none. */
  halfClose(message?: Uint8Array, flag?: number): void;
  /** No more messages for now: the peer is stopped once its windows are full. */
  pause(): void;
  resume(): void;
  /** Ends the call from this side: its listener hears `onEnd` with the failure. Ignored after the end. */
  cancel(failure: Failure): void;
  /** Ends the call as left. */
  abandoned(): void;
  /**
   * For a listener whose work with the response goes on after `onEnd`: until `finish` the limits hold, and `onEnd` is told
   * once more if one of them is reached.
   */
  keepOpen(): void;
  /**
   * The call is over for its caller, who has its message, or this failure. Of use before `onEnd` has returned, and after
   * `keepOpen`. Idempotent.
   */
  finish(failure: Failure | undefined): void;
}

/**
 * The backends of one target and the calls to them, without a word of how messages are written: what a transport is a
 * face of. Faces hold it, and so do calls; nothing beneath does. Once nobody holds it any more, it closes by itself.
 */
export interface Channel {
  readonly clock: Clock;
  /** How messages and metadata are written on the wire. */
  readonly protocol: Protocol;
  /** What holds for the calls of each method. */
  readonly policies: MethodPolicies;
  /** The calls that have begun and not ended: what keeps the process alive. */
  readonly openCalls: OpenCalls;
  /** What responses hold that nobody has read yet: whoever holds some of it above the connections counts it there. */
  readonly unread: UnreadMemory;
  /** Why a call with these limits cannot be made: the channel was closed, or one of the limits is none. */
  refusal(signal: AbortSignal | undefined, timeoutMs: number | undefined): ConnectError | undefined;
  /** A call is about to come: begins to resolve and to connect. In no call's async context. */
  wake(): void;
  /** Makes a call, which has not begun. After `close` it ends as soon as it begins. */
  call(method: MethodSpec, listener: CallListener, init: CallInit): ChannelCall;
  /** See {@link GlinkTransport.ready}. */
  ready(options?: WaitOptions): Promise<void>;
  /** See {@link GlinkTransport.close}. */
  close(options?: WaitOptions): Promise<void>;
  /** The channel at this moment, as plain data. */
  snapshot(): GlinkSnapshot;
  /** Calls `listener` with every event, until the returned function is called. */
  subscribe(listener: GlinkListener): () => void;
}
