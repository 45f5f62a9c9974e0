import type { Connector } from "../http2/connection.ts";
import type { ConnectionObserver } from "../observe/connection-observer.ts";
import type { BackoffOptions } from "../runtime/backoff.ts";
import type { Runtime } from "../runtime/runtime.ts";
import type { PoolTally } from "./backend-record.ts";
import type { ConnectionBeats } from "./connection-beats.ts";
import type { ConnectionLimits } from "./growth.ts";
import type { LiveConnectionOptions } from "./live-connection-context.ts";

/** What subchannels share. */
export interface SubchannelContext {
  readonly connector: Connector;
  readonly runtime: Runtime;
  readonly observer: ConnectionObserver;
  readonly reconnectBackoff: BackoffOptions;
  readonly live: LiveConnectionOptions;
  /** ± 10 %; `Infinity`: never. */
  readonly maxConnectionAgeMs: number;
  readonly connections: ConnectionLimits;
}

/** What all subchannels of a pool share, and what holds at present for them. Subchannels read it, and the pool writes it. */
export interface PoolConditions {
  /** The least time between two PINGs on any connection, by what servers have demanded (gRFC A8). 0: nothing. */
  minPingPaceMs: number;
  /** No call has come since a subchannel went to rest: what nobody waits for is not dialled. */
  resting: boolean;
  readonly tally: PoolTally;
  readonly beats: ConnectionBeats;
}
