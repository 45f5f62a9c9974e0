import type { Code, ContextValues } from "@connectrpc/connect";
import { checkObject, describeValue } from "../base/check.ts";
import type { FailureKind, Progress } from "../base/errors.ts";
import type { MethodSpec } from "../base/method-spec.ts";
import type { ProtocolName } from "../base/protocol-name.ts";
import type { CallCounts } from "./counters.ts";
import type { GlinkListener } from "./event-bus.ts";
import type { GlinkSnapshot } from "./snapshot.ts";
import type { WaitReason } from "./wait-reason.ts";

/**
 * Follows calls as they go: the one source for traces, for metrics of single calls, and for `onAttempt`. All methods are
 * called synchronously on the path of a call, so they must be fast. What they throw is reported as a `user-code-failed`
 * event and touches nothing else.
 */
export interface Instrumentation {
  /**
   * Called once, as the channel is made: calls `build` and returns what that returns. The async context in which `build`
   * runs is kept for what the channel does for no call in particular: dials, lookups, timers, the events of sockets. To
   * suppress the traces of net and dns there, say. Default: the context of the process, and that of no request.
   */
  background?<T>(build: () => T): T;
  /** Called once, with what can be read of the channel at any time. The function it returns is called at its close. */
  attach?(view: ChannelView): () => void;
  /**
   * A call begins, in its caller's tick and async context: beneath interceptors, once for each time that they pass it on.
   * Undefined: this call is not followed. What is refused at the door never begins: every call of a closed transport, and
   * one whose `timeoutMs` or signal is none.
   */
  callStarted?(call: CallStart): CallTracer | undefined;
}

/** What a channel is called. */
export interface ChannelNames {
  /** Scheme, host, port and path of `baseUrl`. */
  readonly target: string;
  /** The target as gRPC names it, for the label `grpc.target`: `dns:///echo:50051`, or `unix:///run/echo.sock`. */
  readonly grpcTarget: string;
  /** What calls are written as. */
  readonly protocol: ProtocolName;
  /** Host of `baseUrl`, without brackets. */
  readonly serverAddress: string;
  /** Port of `baseUrl`, or its scheme's default. */
  readonly serverPort: number;
}

/** A channel, for those who read it at intervals. It may be kept: that keeps no transport from being let go. */
export interface ChannelView extends ChannelNames {
  /** Counts since the channel was made. */
  counts(): CallCounts;
  /** The transport at this moment, as its own `snapshot()`. */
  snapshot(): GlinkSnapshot;
  /** Calls `listener` with every event, until the returned function is called. */
  subscribe(listener: GlinkListener): () => void;
}

/** What is known of a call as it begins. */
export interface CallStart extends ChannelNames {
  /** One object for all calls of a method through one transport: a key for what is kept for each method. */
  readonly method: MethodSpec;
  /** The time that the call has; undefined without a deadline. */
  readonly timeoutMs: number | undefined;
  /** Those of the call's options, which interceptors may have added to; undefined where there are none. */
  readonly contextValues: ContextValues | undefined;
}

/** Follows one call. */
export interface CallTracer {
  /**
   * An attempt begins, before a backend is picked for it. Undefined: it is not followed. A call that fails before it has
   * anything to send has none. Those of a call that hedges overlap: another may begin before the last one has ended.
   */
  attemptStarted?(attempt: AttemptStart): AttemptTracer | undefined;
  /** An attempt under way had to wait so long. Told when the wait is over, or waits for something else from now on. */
  waited?(why: WaitReason, ms: number): void;
  /**
   * Exactly once, and last. Later than the end of its last attempt: its message is decoded by now. A call whose tracers
   * have none of it is not timed.
   */
  ended?(end: CallEnd): void;
}

/** What is known of an attempt as it begins. */
export interface AttemptStart {
  /** 1 for the first. Attempts that did not use one up share the number of the one after them. */
  readonly number: number;
  /** It repeats one that did not run and did not use up an attempt (gRFC A6, transparent retry). */
  readonly transparent: boolean;
  /**
   * It is a further attempt of a call that hedges: others may be under way, and those that lose end as Canceled (gRFC A6,
   * hedging).
   */
  readonly hedge: boolean;
  /** The request headers of this attempt. To be used while the attempt starts, and not later. */
  readonly header: AttemptHeader;
}

/** Request headers as an attempt will send them. Names in any case. */
export interface AttemptHeader {
  /** The caller's own value, or one that was set for this attempt. */
  get(name: string): string | undefined;
  /**
   * Sets a header for this attempt alone, `traceparent` say, in place of the caller's own.
   * @throws an error that says what is wrong with a name or a value that HTTP/2 cannot carry. Names that the protocol
   * sets itself are ignored.
   */
  set(name: string, value: string): void;
}

/** Follows one attempt. */
export interface AttemptTracer {
  /** Exactly once, and last. */
  ended(end: AttemptEnd): void;
}

/** What calls and attempts that ended have in common. */
export interface Ending {
  /** Undefined: it succeeded. */
  readonly code: Code | undefined;
  /**
   * How it failed. `deadline`: the call's own time was over; `canceled`: its caller ended it, or left the response stream;
   * `closed`: the transport was closed.
   */
  readonly kind: FailureKind | undefined;
  /** How far it got, when it failed. */
  readonly progress: Progress | undefined;
  /** What happened, or the text of the server's own status. */
  readonly message: string | undefined;
  /** The backend, the last one of a call; undefined when none was found. */
  readonly address: string | undefined;
  /** From its begin to its end, in milliseconds with fractions. */
  readonly durationMs: number;
}

/** How an attempt ended. */
export interface AttemptEnd extends Ending {
  /** The wait before the next attempt; undefined: there is none. */
  readonly retryDelayMs: number | undefined;
  /** Request messages that were handed to the stream. */
  readonly messagesSent: number;
  /** Their bytes: as compressed, without what frames them. */
  readonly bytesSent: number;
  /** Response messages that were read. */
  readonly messagesReceived: number;
  /** Their bytes: as compressed, without what frames them. */
  readonly bytesReceived: number;
}

/** How a call ended for its caller. */
export interface CallEnd extends Ending {
  /** Attempts made, the first included; 0 when none was. */
  readonly attempts: number;
  /** Attempts repeated without using one up. */
  readonly transparentRetries: number;
  /** Attempts that were sent beside others (gRFC A6, hedging). */
  readonly hedges: number;
  /** The time without an attempt under way, between the first and the last. */
  readonly retryDelayMs: number;
}

/** Returns what was given as a list, or throws a TypeError that names the option. */
export function checkInstrumentation(given: Instrumentation | readonly Instrumentation[]): readonly Instrumentation[] {
  if (!Array.isArray(given)) return [checkOne("instrumentation", given as Instrumentation)];
  return (given as readonly Instrumentation[]).map((one, i) => checkOne(`instrumentation[${i}]`, one));
}

function checkOne(name: string, one: Instrumentation): Instrumentation {
  const { background, attach, callStarted } = checkObject(name, one, "an Instrumentation");
  if (background === undefined && attach === undefined && callStarted === undefined) {
    throw new TypeError(`${name} has neither background nor attach nor callStarted: it would hear nothing`);
  }
  for (const [method, value] of Object.entries({ background, attach, callStarted })) {
    if (value !== undefined && typeof value !== "function") {
      throw new TypeError(`${name}.${method} must be a function, not ${describeValue(value)}`);
    }
  }
  return one;
}
