import type { KeepaliveOptions } from "../http2/keepalive.ts";
import type { ConnectionObserver } from "../observe/connection-observer.ts";
import type { Runtime } from "../runtime/runtime.ts";
import type { BackendRecord } from "./backend-record.ts";
import type { BackendCounters } from "./call-connection.ts";
import type { ConnectionBeats } from "./connection-beats.ts";

/** How a connection in service is watched. */
export interface LiveConnectionOptions {
  readonly keepalive: KeepaliveOptions;
  /** Close after this long without a call. `Infinity`: never. */
  readonly idleConnectionTimeoutMs: number;
}

/** What the connections of one backend share. */
export interface LiveConnectionContext {
  /** The backend's id. */
  readonly backend: string;
  readonly options: LiveConnectionOptions;
  readonly beats: ConnectionBeats;
  readonly counters: BackendCounters;
  readonly record: BackendRecord;
  readonly observer: ConnectionObserver;
  readonly runtime: Runtime;
}
