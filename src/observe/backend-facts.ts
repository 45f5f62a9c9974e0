import type { ConnectivityState } from "../base/connectivity-state.ts";
import type { FailureFact } from "../base/errors.ts";
import type { RetireReason } from "./retire-reason.ts";
import type { TlsFacts } from "./socket-facts.ts";

/** What happens to backends, to their connections, and to the choice among them. */
export type BackendFact =
  | {
      /** The set of backends changed. Never published for the same set in another order. */
      readonly type: "pool-updated";
      readonly added: readonly string[];
      readonly removed: readonly string[];
      /** No longer named by the resolver, and in service until one that it names is ready. */
      readonly leaving: readonly string[];
      readonly kept: number;
    }
  | {
      /**
       * An answer lacks more than half of the backends that work. Those, `stale`, stay until a second answer lacks them too;
       * `returned` were so, and are named again.
       */
      readonly type: "backends-stale";
      readonly stale: readonly string[];
      readonly returned: readonly string[];
    }
  | {
      readonly type: "subchannel-state";
      readonly address: string;
      readonly from: ConnectivityState;
      readonly to: ConnectivityState;
      /** Why, where a failure is the reason. */
      readonly error?: FailureFact | undefined;
      /** How many backends are connected after that, and how many there are. */
      readonly ready: number;
      readonly backends: number;
    }
  | {
      /** A dial brought a connection: TCP, TLS and the peer's SETTINGS took so long together. */
      readonly type: "connected";
      readonly address: string;
      readonly tookMs: number;
      readonly localAddress: string | undefined;
      readonly alpn: string | undefined;
      readonly tls: TlsFacts | undefined;
      /** Undefined: the peer set no limit. */
      readonly maxConcurrentStreams: number | undefined;
    }
  | {
      /** A dial failed. One that nobody wanted any more is none of these. */
      readonly type: "connect-failed";
      readonly address: string;
      readonly tookMs: number;
      readonly error: FailureFact;
    }
  | {
      /** A PING stayed unanswered for so long: the connection is dead. */
      readonly type: "ping-timeout";
      readonly address: string;
      readonly waitedMs: number;
    }
  | {
      /** The peer said GOAWAY: the connection takes no new calls and ends after its open ones. */
      readonly type: "goaway";
      readonly address: string;
      readonly http2Code: number;
      readonly debug: string;
    }
  | {
      /** A connection was retired: it takes no new calls and closes after its last one. */
      readonly type: "connection-draining";
      readonly address: string;
      readonly openCalls: number;
      readonly reason: RetireReason;
    }
  | {
      /** A retired connection closed. `cutCalls` is above 0 only when `drainTimeoutMs` ended calls. */
      readonly type: "connection-drained";
      readonly address: string;
      readonly cutCalls: number;
      /** Since it was retired. */
      readonly tookMs: number;
    }
  | {
      /**
       * A backend left a call or a PING unanswered. Calls go to others, while there are any, until it answers; a PING
       * asks for that where the server permits one.
       */
      readonly type: "subchannel-suspect";
      readonly address: string;
      readonly reason: "deadline" | "silence";
    }
  | {
      /** Nothing at all came from a suspect for so long. Once for each suspicion. */
      readonly type: "subchannel-silent";
      readonly address: string;
      readonly silentMs: number;
    }
  | {
      /** A suspect answered, or gets another chance where no PING may ask it. Calls go to it again. */
      readonly type: "subchannel-usable";
      readonly address: string;
      readonly suspectMs: number;
    }
  | {
      /** Calls to a backend fail, and those to others do not: it gets none for so long. `ejections`: in short order. */
      readonly type: "backend-ejected";
      readonly address: string;
      readonly reason: EjectionReason;
      readonly ejections: number;
      readonly ejectionMs: number;
    }
  | {
      /** An ejection is over, and one call at a time shows whether the backend works. */
      readonly type: "backend-probing";
      readonly address: string;
    }
  | {
      /** A backend that was ejected has answered a call: it gets as many as others again. */
      readonly type: "backend-returned";
      readonly address: string;
      readonly ejectedMs: number;
    }
  | {
      /** A backend says that the service of `healthCheck` does not work, or has stopped saying anything. */
      readonly type: "backend-unhealthy";
      readonly address: string;
      readonly reason: string;
    }
  | {
      /** A backend that was unhealthy says that it serves. */
      readonly type: "backend-healthy";
      readonly address: string;
      readonly unhealthyMs: number;
    }
  | {
      /** So many connected backends are unhealthy or ejected that calls go to all of them (`panicThreshold`). */
      readonly type: "panic-began";
      readonly connected: number;
      readonly usable: number;
    }
  | {
      /** Enough of the connected backends are usable again: calls go to those alone. */
      readonly type: "panic-ended";
      readonly connected: number;
      readonly usable: number;
    }
  | {
      /**
       * A connection could not be replaced before it grew old, and goes on. First of an episode, which lasts until all
       * connections that could not be replaced are: `first`.
       */
      readonly type: "renewal-failed";
      readonly address: string;
      readonly error: FailureFact;
      readonly first: boolean;
    }
  | {
      /** Calls go to the backends of another priority than before. `from` is undefined where none was ready. */
      readonly type: "priority-changed";
      readonly from: number | undefined;
      readonly to: number;
    }
  | {
      /** Another share of calls than before, from 0 to 1, stays in this client's zone. */
      readonly type: "zone-share-changed";
      readonly zone: string;
      readonly share: number;
    };

/** Why a backend is ejected: `outlierDetection` has an option of each name, and a probe is the call after an ejection. */
export type EjectionReason = "consecutive-failures" | "success-rate" | "failure-percentage" | "probe-failed";
