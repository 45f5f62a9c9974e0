import type { Address } from "../endpoint/address.ts";
import type { Endpoint } from "../endpoint/endpoint.ts";
import type { Runtime } from "../runtime/runtime.ts";

/** What to resolve: the host and port of `baseUrl`. */
export interface ResolverTarget {
  /** Host name or IP literal, without brackets. */
  readonly host: string;
  /** The port of the URL, or its scheme's default. */
  readonly port: number;
}

/** What a resolver found: the whole picture, never a change to the last one. */
export interface Resolution {
  /**
   * The backends as they are now. Order is the resolver's: `pickFirst` tries backends in it, `roundRobin` does not care.
   * Two endpoints with the same addresses count once, as the first of them.
   *
   * A backend is known by its addresses: one that has other attributes than before keeps its connections.
   */
  readonly endpoints: readonly Endpoint[];
  /**
   * True: the resolver knows that these are all there are. An empty list then means that there are none: open calls go
   * on, and new ones fail. Default false: an empty list is an error, and the last good one stays in use.
   */
  readonly authoritative?: boolean | undefined;
  /**
   * Further backends, or the same by other addresses, to use while none of `endpoints` can be reached. Default: none.
   */
  readonly fallback?: readonly Endpoint[] | undefined;
  /**
   * gRPC's service config of the name: an object, JSON text, or the error of one that cannot be read. It takes the place of
   * the option `serviceConfig`, for calls that begin from now on; one that is no good leaves the last one in use. Default:
   * none, and the option's holds.
   */
  readonly config?: object | string | undefined;
}

/** Told what a resolver finds. */
export interface ResolverListener {
  /** The endpoints as they are now. What is not valid is reported like `onError`. */
  onResolution(resolution: Resolution): void;
  /**
   * The short form, for backends of one address each of which nothing else is known. Order is the resolver's: `pickFirst`
   * tries backends in it, `roundRobin` does not care. Duplicates count once. An empty list is an error, and the last good
   * one stays in use.
   *
   * `fallback`, by default none: further addresses, of the same backends or of others, to use while none of `addresses`
   * can be reached.
   */
  onAddresses(addresses: readonly Address[], fallback?: readonly Address[]): void;
  /** A lookup failed. The last good list stays in use. */
  onError(error: unknown): void;
  /** A lookup begins, where the resolver asks: what it reports next tells how long that took. For metrics alone. */
  onLookupStarted?(): void;
}

/** One name being watched. */
export interface ResolverWatch {
  /**
   * A hint that the list may be out of date: the rotation timer, or calls that fail. The resolver may coalesce,
   * delay and limit such hints, but must not forget one.
   */
  refresh(): void;
  /** When it looks again by itself at the latest, as the clock has it; undefined: only when it is asked to, or told. */
  readonly nextLookupMs?: number | undefined;
  /** Stops all work. Nothing is reported afterwards. */
  close(): void;
}

/**
 * Where backends come from. A transport without calls for `idleConnectionTimeoutMs` closes its watch, and watches again at
 * the next call. Write your own for Consul, etcd, a file: report what there is whenever that changes.
 *
 * A resolver is stateless and may serve many transports: state belongs to what `watch` returns. It must not report
 * before `watch` has returned. An error thrown by `watch` or `refresh` is reported like `onError`.
 */
export interface Resolver {
  /** Shown in `snapshot()` and in errors. */
  readonly name: string;
  /**
   * True: an answer may lack backends that are there. One that lacks more than half of a pool that works is believed once
   * the next one lacks them too, and those that still work stay until then; `refresh` is called, and has to bring a
   * report, the same list or not. Default false: a list is what there is.
   */
  readonly confirmLosses?: boolean | undefined;
  /**
   * The target in gRPC's naming, for metrics, where that is not the name in `baseUrl`: `unix:///run/echo.sock`, say. Default:
   * `dns:///` with host and port.
   */
  readonly grpcTarget?: string;
  /** Begins to look, and tells `listener` each list, until the watch is closed. Called once for each transport. */
  watch(target: ResolverTarget, listener: ResolverListener, runtime: Runtime): ResolverWatch;
}
