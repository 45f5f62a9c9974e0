import type { ContextValues } from "@connectrpc/connect";
import type { CallGroup } from "../calls/open-calls.ts";
import type { Channel } from "../channel/channel.ts";
import type { HeaderFields } from "../http2/connection.ts";
import type { Codec } from "./codec.ts";
import type { TurnQuota } from "./messages/turn-quota.ts";

/** What every call of one transport works with. Each holds it, and by that the channel. */
export interface CallEnvironment {
  readonly channel: Channel;
  readonly codec: Codec;
  readonly turnQuota: TurnQuota;
  /** Cancels response streams whose readers were garbage-collected. */
  readonly abandonedStreams: FinalizationRegistry<{ abandoned(): void }>;
}

/** One call as a Connect client asks for it. It is the limits of the channel's call too, and so no second object. */
export interface CallInput {
  readonly signal: AbortSignal | undefined;
  /** Above 0, or none. */
  readonly timeoutMs: number | undefined;
  readonly header: HeadersInit | undefined;
  /** All that `header` holds, as `readFields` gives it, where that is known. */
  readonly fieldsRead: HeaderFields | undefined;
  readonly contextValues: ContextValues | undefined;
  /** Set by an interceptor that changed the URL: the path to call instead of the method's. */
  readonly path: string | undefined;
  /** The call whose interceptors passed this one on, where there are interceptors. */
  readonly group: CallGroup | undefined;
}
