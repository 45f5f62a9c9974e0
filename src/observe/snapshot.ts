import type { Availability } from "../base/availability.ts";
import type { ConnectivityState } from "../base/connectivity-state.ts";
import type { FailureFact } from "../base/errors.ts";
import type { ProtocolName } from "../base/protocol-name.ts";
import type { EjectionReason } from "./backend-facts.ts";
import type { ConnectionCounts } from "./connection-counters.ts";
import type { CallCounts } from "./counters.ts";
import type { ResolverCounts } from "./resolver-counters.ts";
import type { RetireReason } from "./retire-reason.ts";
import type { SocketFacts } from "./socket-facts.ts";

/** One connection at one moment, in service or draining. */
export interface ConnectionSnapshot extends SocketFacts {
  /** As {@link GlinkSnapshot.id}. */
  readonly id: number;
  /** The address that answered the dial. */
  readonly address: string;
  /** Since it was ready. */
  readonly ageMs: number;
  /** Calls that are under way there now. */
  readonly openCalls: number;
  /** Attempts that got a stream on it. Those that neither succeeded nor failed are open, or were given up by their callers. */
  readonly callsStarted: number;
  /** Of those, attempts that ended well. */
  readonly callsSucceeded: number;
  /** Of those, attempts that failed. */
  readonly callsFailed: number;
  /** Request messages, of all its calls. */
  readonly messagesSent: number;
  /** Response messages, of all its calls. */
  readonly messagesReceived: number;
  /** Of the socket: frames and all, but not what TLS adds. 0 where a socket of the user's own does not count. */
  readonly bytesSent: number;
  /** Likewise. */
  readonly bytesReceived: number;
  /** PINGs that asked whether the peer lives. */
  readonly pingsSent: number;
  /** What the peer allows now; undefined: it set no limit. */
  readonly maxConcurrentStreams: number | undefined;
  /** Whether its peer answers: `suspect` while a PING is not answered in time. */
  readonly availability: Availability;
}

/** A connection that was retired and waits for its last call. */
export interface DrainingSnapshot extends ConnectionSnapshot {
  /** The backend that it was one of, by {@link SubchannelSnapshot.address}. */
  readonly backend: string;
  /** Why it was retired. */
  readonly reason: RetireReason;
  /** When it was retired, by the wall clock. */
  readonly sinceMs: number;
}

/** A backend that is a suspect, unhealthy, ejected or on probation. */
export interface LeftOutSnapshot {
  /** Since when, by the wall clock. */
  readonly sinceMs: number;
  /** When its ejection is over, by the wall clock; undefined: an answer ends it, or its own word. */
  readonly untilMs: number | undefined;
  /** Ejections in short order. 0: it is not ejected. */
  readonly ejections: number;
}

/** One backend at one moment. */
export interface SubchannelSnapshot {
  /** As {@link GlinkSnapshot.id}. */
  readonly id: number;
  /** Its identity, for as long as the resolver names it: the text of its address, or of its addresses. */
  readonly address: string;
  /** Whether it can be reached, as gRPC names it. */
  readonly state: ConnectivityState;
  /** Since when it is in that state, by the wall clock. */
  readonly stateSinceMs: number;
  /** Apart from connectivity: docs/availability.md. */
  readonly availability: Availability;
  /** Why it is not used like any other; undefined: it is, or it is not connected. */
  readonly leftOut: LeftOutSnapshot | undefined;
  /** The resolver's last answer lacks it, and a second one has yet to confirm that: it serves while it works. */
  readonly stale: boolean;
  /**
   * Its share of calls, relative to the others' shares, where the policy heeds it. 0: it is in another zone, and this
   * client's carries all.
   */
  readonly weight: number;
  /** As the resolver has it. */
  readonly zone: string | undefined;
  /** As the resolver has it: 0 is used before 1 (gRFC A56). */
  readonly priority: number;
  /** The name that the resolver has for it, where it has one (gRFC A81). */
  readonly hostname: string | undefined;
  /** What the policy knows of it: `expectedMs` of peakEwma, `loadWeight` of weightedRoundRobin, `share` of ringHash. */
  readonly policy: Readonly<Record<string, number>>;
  /** Age of the eldest connection in service; undefined without one. */
  readonly connectionAgeMs: number | undefined;
  /** Connections in service, the eldest first. */
  readonly connections: readonly ConnectionSnapshot[];
  /** Calls that are under way there now. */
  readonly openCalls: number;
  /**
   * Attempts sent here since the address appeared. Those that neither succeeded nor failed are open, or were given up by
   * their callers.
   */
  readonly callsStarted: number;
  /** Of those, attempts that ended well. */
  readonly callsSucceeded: number;
  /** Of those, attempts that failed. */
  readonly callsFailed: number;
  /** Dials since the address appeared that ended with a connection. */
  readonly dialsSucceeded: number;
  /** Dials that ended without a connection. */
  readonly dialsFailed: number;
  /** Connections that left service, whatever the reason. */
  readonly disconnections: number;
  /** Why the last dial failed; undefined once it works. */
  readonly lastError: FailureFact | undefined;
  /** Why the connection in service could not be replaced before it grew old; undefined once it was. */
  readonly lastRenewalError: FailureFact | undefined;
}

/** How fresh the list of backends is. Times are by the wall clock; undefined: never. */
export interface ResolutionSnapshot {
  /** The last answer. */
  readonly lastSuccessAtMs: number | undefined;
  /** The last error. */
  readonly lastFailureAtMs: number | undefined;
  /** Why the last lookup failed; undefined when it did not. */
  readonly lastError: FailureFact | undefined;
  /** When the resolver is asked next at the latest; undefined: only when calls or dials fail. */
  readonly nextLookupAtMs: number | undefined;
}

/** How many retries the retry policy may still make. */
export interface RetryBudgetSnapshot {
  /** Retries that may be made now. */
  readonly available: number;
  /** Retries of the last ten seconds. */
  readonly used: number;
  /** How many the last ten seconds allowed. */
  readonly allowed: number;
}

/** A transport at one moment, as plain data. */
export interface GlinkSnapshot {
  /** Counts up when a field changes its meaning or goes; new fields may come at any time. */
  readonly schema: 1;
  /**
   * Transports, backends and connections have ids: positive integers, each above all that were given before in this
   * thread, and never given again. What `grpc.channelz` wants.
   */
  readonly id: number;
  /** When the transport was made, by the wall clock: milliseconds since 1970. */
  readonly createdAtMs: number;
  /** When this was read, by the wall clock. */
  readonly takenAtMs: number;
  /** The base URL. */
  readonly target: string;
  /** The target as gRPC names it, and as the label `grpc.target` of its metrics has it: `dns:///echo:50051`, say. */
  readonly grpcTarget: string;
  /** What calls are written as. */
  readonly protocol: ProtocolName;
  /** The resolver's name. */
  readonly resolver: string;
  /** The policy's name. */
  readonly loadBalancing: string;
  /** The HTTP/2 engine. */
  readonly engine: "node" | "wire";
  /** The options that only node:http2 can serve, and that made it the engine by that. */
  readonly engineChosenBy: readonly string[];
  /** The URL of the HTTP proxy, without credentials; undefined without one. */
  readonly proxy: string | undefined;
  /** As gRPC aggregates it: ready if one backend is, else connecting if one may become it, else transient-failure. */
  readonly state: ConnectivityState;
  /** The backends, in the resolver's order. */
  readonly subchannels: readonly SubchannelSnapshot[];
  /** Too few backends are usable: calls go to all that are connected (`panicThreshold`). */
  readonly panic: boolean;
  /** Ejections since the transport was made (`outlierDetection`), by their reasons. */
  readonly ejections: Readonly<Record<EjectionReason, number>>;
  /** Retired connections that wait for their last call. */
  readonly draining: readonly DrainingSnapshot[];
  /** Calls that have begun and not ended. */
  readonly openCalls: number;
  /** Of those, calls that wait for a backend. */
  readonly queuedCalls: number;
  /** Calls since the transport was made. */
  readonly callsStarted: number;
  /** Counts of calls, attempts and messages since the transport was made. Those of interceptors' own calls are in it. */
  readonly calls: CallCounts;
  /** Counts of connections since the transport was made, those of backends that have left included. */
  readonly connections: ConnectionCounts;
  /** Counts of the resolver's answers and errors since the transport was made. */
  readonly lookups: ResolverCounts;
  /** How fresh the list of backends is. */
  readonly resolution: ResolutionSnapshot;
  /** Undefined: there is none (`retry.budget: false`), or a service config has retryThrottling in its place. */
  readonly retryBudget: RetryBudgetSnapshot | undefined;
  /** The newest reason why no backend is ready; undefined while all is well. */
  readonly lastError: FailureFact | undefined;
}
