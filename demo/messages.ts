/** What the processes of the demo tell each other. Each child gets its configuration as JSON in its first argument. */

import type { KubernetesResolverOptions } from "../src/kubernetes/index.ts";

/** One backend: which gRPC server library serves, and where. */
export interface BackendConfig {
  readonly library: "grpc-js" | "connect-node";
  readonly host: string;
  /** 0: a free one. */
  readonly port: number;
}

/** What a backend reports: once when it listens, and whenever it is asked for its counters. */
export type FromBackend =
  | { readonly type: "listening"; readonly port: number }
  | {
      readonly type: "counters";
      /** Handler executions, all methods. */
      readonly executions: number;
      /** Executions of each request id that was seen more than once. */
      readonly repeated: Readonly<Record<string, number>>;
    };

/** What a backend is asked: for its counters, or to end gracefully. */
export interface ToBackend {
  readonly type: "count" | "end";
}

/** The clients that are compared. */
export const clientNames = ["glink", "createGrpcTransport", "grpc-js"] as const;
export type ClientName = (typeof clientNames)[number];

/** Where glink has its backends from. The other clients know DNS alone. */
export type ResolverConfig =
  | { readonly type: "dns" }
  | { readonly type: "file"; readonly path: string }
  | { readonly type: "kubernetes"; readonly options: KubernetesResolverOptions };

/** One client: which library it calls with, whom, and its load. */
export interface ClientConfig {
  readonly client: ClientName;
  /** What DNS calls the backends. */
  readonly serviceName: string;
  /** Of every backend. Undefined: each has its own, and SRV records say which. */
  readonly port: number | undefined;
  /** `host:port` of the DNS server that all clients ask. */
  readonly dnsServer: string;
  readonly resolver: ResolverConfig;
  readonly rotationIntervalMs: number;
  readonly callsPerSecond: number;
  /** Of each call. */
  readonly deadlineMs: number;
}

/** One call that ended. */
export interface CallRecord {
  /** When it ended, in wall-clock milliseconds. */
  readonly endedAtMs: number;
  readonly durationMs: number;
  /** Which backend answered; undefined when the call failed. */
  readonly backend: string | undefined;
  /** Why it failed. */
  readonly error: string | undefined;
}

/** What a client reports, a few times per second. */
export interface ClientReport {
  readonly type: "report";
  /** Calls that ended since the last report. */
  readonly calls: readonly CallRecord[];
  /** glink only: the state of each backend in its pool. */
  readonly pool: Readonly<Record<string, string>>;
  /** glink only: attempts that failed and were repeated, since the start. */
  readonly retries: number;
  /** Uncaught exceptions since the start: each would have ended a process that has no handler for them. */
  readonly crashes: number;
}

/** What a client says: once when it may begin, then reports, and when all its calls have ended. */
export type FromClient = ClientReport | { readonly type: "ready" } | { readonly type: "stopped" };

/** What a client is told: begin the load, or end it, wait for open calls, report them, and exit. */
export interface ToClient {
  readonly type: "begin" | "stop";
}
