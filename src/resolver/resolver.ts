import type { Address } from "../endpoint/address.ts";
import type { Runtime } from "../runtime/runtime.ts";

/** What to resolve: the host and port of `baseUrl`. */
export interface ResolverTarget {
  /** Host name or IP literal, without brackets. */
  readonly host: string;
  /** The port of the URL, or its scheme's default. */
  readonly port: number;
}

/** Told what a resolver finds. Whole lists, never deltas. */
export interface ResolverListener {
  /**
   * The backends as they are now. Order and duplicates mean nothing. An empty list is treated as an error: it never
   * empties a working pool.
   *
   * `fallback`, by default none: further addresses, of the same backends or of others, to use while none of `addresses`
   * can be reached.
   */
  onAddresses(addresses: readonly Address[], fallback?: readonly Address[]): void;
  /** A lookup failed. The last good list stays in use. */
  onError(error: unknown): void;
}

/** One name being watched. */
export interface ResolverWatch {
  /**
   * A hint that the list may be out of date: the rotation timer, or calls that fail. The resolver may coalesce,
   * delay and limit such hints, but must not forget one.
   */
  refresh(): void;
  /** Stops all work. Nothing is reported afterwards. */
  close(): void;
}

/**
 * Where backends come from. A transport without calls for `idleConnectionTimeoutMs` closes its watch, and watches again at
 * the next call. Write your own for Consul, etcd, a file: report a list whenever you have a new one.
 *
 * A resolver is stateless and may serve many transports: state belongs to what `watch` returns. It must not report
 * before `watch` has returned. An error thrown by `watch` or `refresh` is reported like `onError`.
 */
export interface Resolver {
  /** Shown in `snapshot()` and in errors. */
  readonly name: string;
  watch(target: ResolverTarget, listener: ResolverListener, runtime: Runtime): ResolverWatch;
}
