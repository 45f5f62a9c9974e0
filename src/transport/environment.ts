import type { ContextValues } from "@connectrpc/connect";
import type { CallFactory } from "../calls/call.ts";
import type { CallObserver } from "../calls/call-observer.ts";
import type { CallGroup, OpenCalls } from "../calls/open-calls.ts";
import type { Clock } from "../runtime/clock.ts";
import type { Codec } from "./codec.ts";
import type { TurnQuota } from "./messages/turn-quota.ts";

/**
 * What every call of one transport works with. Whoever can make a call holds it, and nothing beneath the calls leads to it:
 * when it is collected, the transport was let go.
 */
export interface CallEnvironment {
  readonly codec: Codec;
  readonly calls: CallFactory;
  readonly observer: CallObserver;
  readonly openCalls: OpenCalls;
  readonly clock: Clock;
  readonly turnQuota: TurnQuota;
  /** Cancels response streams whose readers were garbage-collected. */
  readonly abandonedStreams: FinalizationRegistry<{ abandoned(): void }>;
}

/** One call as a Connect client asks for it. */
export interface CallInput {
  readonly signal: AbortSignal | undefined;
  /** Above 0, or none. */
  readonly timeoutMs: number | undefined;
  readonly header: HeadersInit | undefined;
  readonly contextValues: ContextValues | undefined;
  /** Set by an interceptor that changed the URL: the path to call instead of the method's. */
  readonly path: string | undefined;
  /** The call whose interceptors passed this one on, where there are interceptors. */
  readonly scope: CallGroup | undefined;
}
