/** What the processes of a soak tell each other. */

export interface ClientConfig {
  readonly port: number;
  readonly dnsServer: string;
  readonly engine: "wire" | "node";
  readonly perSecond: number;
  readonly sampleMs: number;
}

/** The client at one moment, and its calls since the last. */
export interface Sample {
  readonly type: "sample";
  readonly atMs: number;
  readonly calls: number;
  /** Calls that did not do what they should, and the first of them. */
  readonly lost: number;
  readonly firstLost: string | undefined;
  /** Calls that were not made, because too many were open. */
  readonly skipped: number;
  readonly p99Ms: number;
  /** Of each hundred turns of the event loop the latest: what the machine had no time for. */
  readonly loopLateMs: number;
  /** After a full collection. */
  readonly heapMb: number;
  readonly rssMb: number;
  /** Sockets, timers and whatever else keeps a handle. */
  readonly handles: number;
  /** On the process, and on the one signal of most calls beyond those that are open. */
  readonly listeners: number;
  readonly retries: number;
  readonly connections: number;
}

export type FromClient = { readonly type: "ready" } | Sample;
