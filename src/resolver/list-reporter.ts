import { type Endpoint, endpointId, sameEndpoint } from "../endpoint/endpoint.ts";
import type { Clock, TimerHandle } from "../runtime/clock.ts";
import type { Resolution, ResolverListener } from "./resolver.ts";
import { sameConfig } from "./same-config.ts";

/** A list, or what makes it when it is wanted. */
export type ListOrReader = Resolution | (() => Resolution);

/** Tells a listener of lists: what is new and nothing twice, several in a short time as one, the first one at once. */
export class ListReporter {
  readonly #listener: ResolverListener;
  readonly #clock: Clock;
  readonly #debounceMs: number;
  /** A list that is the same is told again. */
  readonly #repeats: boolean;
  /** Called with each list that is read: whether it differs from the one before. */
  readonly #read: (changed: boolean) => void;
  /** The newest list. */
  #newest: ListOrReader | undefined;
  /** What was told last, unless that was an error. */
  #told: Resolution | undefined;
  #last: Resolution | undefined;
  #debounce: TimerHandle | undefined;
  #closed = false;

  constructor(
    { debounceMs, repeats }: { readonly debounceMs: number; readonly repeats: boolean },
    listener: ResolverListener,
    clock: Clock,
    read: (changed: boolean) => void,
  ) {
    this.#listener = listener;
    this.#clock = clock;
    this.#debounceMs = debounceMs;
    this.#repeats = repeats;
    this.#read = read;
  }

  report(list: ListOrReader): void {
    if (this.#closed) return;
    this.#newest = list;
    if (this.#debounce !== undefined) return;
    if (this.#last === undefined || this.#debounceMs === 0) this.#tell();
    else this.#debounce = this.#clock.setTimeout(() => this.#tell(), this.#debounceMs);
  }

  /** The newest list still holds. */
  confirm(): void {
    if (this.#told !== undefined) this.#read(false);
    else if (this.#newest !== undefined) this.report(this.#newest);
  }

  fail(error: unknown): void {
    if (this.#closed) return;
    this.#told = undefined;
    this.#listener.onError(error);
  }

  close(): void {
    this.#closed = true;
    this.#clock.clearTimeout(this.#debounce);
  }

  #tell(): void {
    this.#debounce = undefined;
    let list: Resolution;
    let changed: boolean;
    try {
      list = typeof this.#newest === "function" ? this.#newest() : (this.#newest as Resolution);
      changed = this.#last === undefined || !sameList(this.#last, list);
    } catch (error) {
      // Whoever reads it is not on the stack to hear of it.
      this.fail(error);
      return;
    }
    this.#last = list;
    this.#read(changed);
    if (!changed && !this.#repeats && this.#told !== undefined) return;
    this.#told = list;
    this.#listener.onResolution(list);
  }
}

/** Whether both say the same, with endpoints in any order. */
function sameList(one: Resolution, other: Resolution): boolean {
  return (
    one.authoritative === other.authoritative &&
    sameEndpoints(one.endpoints, other.endpoints) &&
    sameEndpoints(one.fallback ?? [], other.fallback ?? []) &&
    sameConfig(one.config, other.config)
  );
}

function sameEndpoints(some: readonly Endpoint[], others: readonly Endpoint[]): boolean {
  if (some.length !== others.length) return false;
  if (some.every((endpoint, i) => sameEndpoint(endpoint, others[i] as Endpoint))) return true;
  const before = new Set(some);
  const news = others.filter((endpoint) => !before.delete(endpoint));
  const known = new Map([...before].map((endpoint) => [endpointId(endpoint), endpoint]));
  return news.every((endpoint) => {
    const same = known.get(endpointId(endpoint));
    return same !== undefined && sameEndpoint(same, endpoint);
  });
}
