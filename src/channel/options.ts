import type { Interceptor } from "@connectrpc/connect";
import type { Compression } from "@connectrpc/connect/protocol";
import type { GrpcTransportOptions } from "@connectrpc/connect-node";
import type { LoadBalancing } from "../balancing/policy.ts";
import type { RetryOptions } from "../calls/retry/retry-options.ts";
import type { Target } from "../endpoint/target.ts";
import type { EngineChoice } from "../http2/engine-choice.ts";
import type { KeepaliveOptions } from "../http2/keepalive.ts";
import type { Http2Limits } from "../http2/limits.ts";
import type { Logger } from "../observe/logger.ts";
import type { Resolver } from "../resolver/resolver.ts";
import type { BackoffOptions } from "../runtime/backoff.ts";

/** What `retry` takes: the fields that differ from the defaults. */
export type RetryInit = Partial<Omit<RetryOptions, "budget">> & {
  readonly budget?: Partial<Exclude<RetryOptions["budget"], false>> | false;
};

/**
 * Options of `glinkTransport`: every field of connect-node's GrpcTransportOptions with the same meaning, and glink's
 * own. Times are in milliseconds.
 */
export interface GlinkTransportOptions extends GrpcTransportOptions {
  /** Where backends come from. Default `dnsResolver()`: the operating system's name lookup. */
  resolver?: Resolver;
  /** Which ready backend takes a call. Default `roundRobin()`. gRPC's twin: loadBalancingConfig. */
  loadBalancing?: LoadBalancing;
  /**
   * How often the resolver is asked again, ± 10 %. Default 30 000, from 1 000; `Infinity` switches the timer off, and
   * only failures ask again.
   */
  rotationIntervalMs?: number;
  /**
   * Replace a connection of this age, ± 10 %: the successor is ready first, and only one is replaced at a time. Default
   * 300 000, from 1 000; `Infinity`: never. The client's twin of grpc.max_connection_age_ms.
   */
  maxConnectionAgeMs?: number;
  /**
   * How long a retired connection waits for its open calls; then they fail with Unavailable. Default `Infinity`: no call
   * is cut because its connection was replaced. 0 cuts at once.
   */
  drainTimeoutMs?: number;
  /** For TCP, TLS and the peer's first SETTINGS together. Default 5 000, from 1. */
  connectTimeoutMs?: number;
  /**
   * The wait between dials of one backend, counted from the start of the dial: 250 ms × 1.6, ± 20 %, at most 10 s.
   * Forgotten once a connection answered a call or stayed ready for 10 s. gRPC: connection-backoff.md.
   */
  reconnectBackoff?: Partial<BackoffOptions>;
  /** How failed calls are repeated; `false`: exactly one attempt. gRFC A6. */
  retry?: RetryInit | false;
  /** `true`: calls wait through transient failure until their deadline. Default `false`: they fail fast. */
  waitForReady?: boolean;
  /**
   * Calls that may wait for a connection or a stream slot; beyond: ResourceExhausted. Default 10 000, from 0; `Infinity`:
   * no limit.
   */
  maxQueuedCalls?: number;
  /**
   * What a peer may send as headers or trailers of one call. Default 65 536, from 1 024. Announced as
   * SETTINGS_MAX_HEADER_LIST_SIZE, and enforced. gRPC core: grpc.max_metadata_size.
   */
  maxHeaderListBytes?: number;
  /**
   * `true`: console, from info on. Or an object with debug, info, warn and error that take (fields, message), as pino has
   * it; each failed attempt is a debug line. Default: nothing is written.
   */
  logger?: Logger | true;
  /**
   * The HTTP/2 engine. Default `"wire"`: glink's own, written for gRPC calls, at a fraction of the CPU. `"node"`: Node's
   * own, node:http2. That is also the default where `nodeOptions` has something that only node:http2 can serve;
   * `snapshot()` tells.
   */
  http2?: "node" | "wire";
  /**
   * PING each connection that left calls without a byte for this long. Default: only where it did so for 30 s, or where a
   * call missed its deadline. From 1; `Infinity`: no PINGs at all.
   */
  pingIntervalMs?: number;
  /** `true`: with `pingIntervalMs`, connections without calls are asked too. Default `false`. */
  pingIdleConnection?: boolean;
  /**
   * A connection whose PING is not answered within this time is dead: its calls fail with Unavailable, and it is dialled
   * anew. So long may it take to notice a lost peer. Default 15 000, from 1. Without `pingIntervalMs` it is for the PING
   * after a missed deadline; the one after 30 s of silence has 10 s. A PING behind an upload that the peer reads slowly
   * has its time from when it left.
   */
  pingTimeoutMs?: number;
  /**
   * Close a connection after this long without a call. When all are closed, the name is not looked up either; the next
   * call waits for a fresh list. Default 900 000, from 1; `Infinity`: never.
   */
  idleConnectionTimeoutMs?: number;
  /** @deprecated Refused with a TypeError: it is one connection, and glink holds a pool of them. */
  sessionManager?: NonNullable<GrpcTransportOptions["sessionManager"]>;
  /**
   * TLS options (`ca`, `cert`, `key`, `servername`, …), and options of node:http2, for every connection. Of glink's own:
   * `connectionWindowSize`, the receive window of a connection, 8 MiB by default.
   */
  nodeOptions?: GrpcTransportOptions["nodeOptions"] & { connectionWindowSize?: number };
}

/** The options with every default filled in and every value checked. Frozen. */
export interface ResolvedOptions extends ProtocolOptions, PoolingOptions, ConnectionSettings {
  readonly target: Target;
  readonly retry: RetryOptions | false;
  readonly waitForReady: boolean;
  readonly logger: Logger | undefined;
  /** Names that were given and mean nothing here. */
  readonly unknownNames: readonly string[];
}

/** About messages and calls: what connect-node's createGrpcTransport takes. */
export interface ProtocolOptions {
  readonly interceptors: readonly Interceptor[];
  readonly useBinaryFormat: boolean;
  readonly binaryOptions: GrpcTransportOptions["binaryOptions"];
  readonly jsonOptions: GrpcTransportOptions["jsonOptions"];
  readonly acceptCompression: readonly Compression[];
  readonly sendCompression: Compression | undefined;
  readonly compressMinBytes: number;
  readonly readMaxBytes: number;
  /** For what a compressed message inflates to: `readMaxBytes` where it was given. Undefined: its compressed size decides. */
  readonly inflateMaxBytes: number | undefined;
  readonly writeMaxBytes: number;
  readonly defaultTimeoutMs: number | undefined;
}

/** Where backends come from, and how long they serve. */
export interface PoolingOptions {
  readonly resolver: Resolver;
  readonly loadBalancing: LoadBalancing;
  readonly rotationIntervalMs: number;
  readonly maxConnectionAgeMs: number;
  readonly drainTimeoutMs: number;
  readonly maxQueuedCalls: number;
}

/** How one connection is made and watched. */
export interface ConnectionSettings {
  readonly reconnectBackoff: BackoffOptions;
  readonly connectTimeoutMs: number;
  readonly keepalive: KeepaliveOptions;
  readonly idleConnectionTimeoutMs: number;
  readonly engine: EngineChoice;
  readonly limits: Http2Limits;
}
