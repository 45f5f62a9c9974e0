import {
  type ProcessHold,
  type Resolution,
  type ResolverListener,
  type ResolverWatch,
  type Runtime,
  watchList,
} from "../index.ts";
import { type ApiServer, HttpApiServer } from "./api-server.ts";
import type { Credentials } from "./credentials.ts";
import { type Location, ServiceEndpoints } from "./endpoints.ts";
import type { Slice } from "./slice.ts";
import type { WatchedService } from "./slice-requests.ts";
import { SliceWatch } from "./slice-watch.ts";

/** One cluster as a process sees it. */
export interface ClusterOptions {
  readonly url: URL;
  readonly credentials: Credentials;
  readonly cert: string | undefined;
  readonly key: string | undefined;
}

/** What is watched: all that is equal in this is one watch, whose start is that of the first who asked for it. */
export interface WatchedPort extends Location, WatchedService {
  readonly port: number | string;
}

/**
 * While the controller moves an endpoint from one slice to another it is in none for a moment, and a rollout changes a slice
 * many times a second.
 */
const debounceMs = 100;

/** The watches of one cluster: transports that call the same port of the same Service share one. */
export class Cluster {
  readonly #options: ClusterOptions;
  readonly #watches = new Map<string, SharedWatch>();

  constructor(options: ClusterOptions) {
    this.#options = options;
  }

  watch(of: WatchedPort, listener: ResolverListener, runtime: Runtime): ResolverWatch {
    const key = JSON.stringify([of.namespace, of.service, of.port, of.zone, of.node]);
    let shared = this.#watches.get(key);
    if (shared === undefined) {
      shared = new SharedWatch(this.#options, of, runtime, () => this.#watches.delete(key));
      this.#watches.set(key, shared);
    }
    return shared.join(listener, runtime);
  }
}

/** A watch for as many transports as want it. It runs on the clock of the first. */
class SharedWatch {
  readonly #watch: ResolverWatch;
  readonly #api: HttpApiServer;
  readonly #members = new Map<ResolverListener, ProcessHold>();
  readonly #onEmpty: () => void;
  /** The last list, which stays while there are failures. */
  #list: Resolution | undefined;
  /** What has failed since. */
  #failure: { readonly error: unknown } | undefined;

  constructor(options: ClusterOptions, of: WatchedPort, runtime: Runtime, onEmpty: () => void) {
    this.#onEmpty = onEmpty;
    this.#api = new HttpApiServer({ ...options, clock: runtime.clock, held: () => this.#held });
    this.#watch = watchSlices(this.#api, of, runtime, {
      onResolution: (list) => {
        this.#list = list;
        this.#failure = undefined;
        for (const member of this.#members.keys()) member.onResolution(list);
      },
      onAddresses: () => undefined,
      onError: (error) => {
        this.#failure = { error };
        for (const member of this.#members.keys()) member.onError(error);
      },
    });
  }

  get #held(): boolean {
    return [...this.#members.values()].some(({ held }) => held);
  }

  join(listener: ResolverListener, { hold, clock }: Runtime): ResolverWatch {
    this.#members.set(listener, hold);
    // Who joins late hears what is known; not in this turn, for `watch` has not returned yet.
    const isLate = this.#list !== undefined || this.#failure !== undefined;
    const late = isLate ? clock.setTimeout(() => this.#tell(listener), 0) : undefined;
    const watch = this.#watch;
    return {
      refresh: () => watch.refresh(),
      get nextLookupMs() {
        return watch.nextLookupMs;
      },
      close: () => {
        clock.clearTimeout(late);
        if (!this.#members.delete(listener) || this.#members.size > 0) return;
        this.#watch.close();
        this.#api.close();
        this.#onEmpty();
      },
    };
  }

  #tell(listener: ResolverListener): void {
    if (this.#list !== undefined) listener.onResolution(this.#list);
    // Whoever was told may have closed its watch.
    if (this.#failure !== undefined && this.#members.has(listener)) listener.onError(this.#failure.error);
  }
}

/** Watches a Service's slices and tells the backends in them. */
export function watchSlices(
  api: ApiServer,
  of: WatchedPort,
  runtime: Runtime,
  listener: ResolverListener,
): ResolverWatch {
  const endpoints = new ServiceEndpoints(of.port, of);
  const resolutionOf = (slices: readonly Slice[]): Resolution => ({
    endpoints: endpoints.of(slices),
    // The API server knows: what it does not name is not there.
    authoritative: true,
  });
  const slices = new SliceWatch(api, of, runtime, resolutionOf);
  return watchList({ run: (run) => slices.run(run), debounceMs }, listener, runtime);
}
