import {
  type Address,
  type Resolver,
  type ResolverListener,
  type ResolverTarget,
  type ResolverWatch,
  type Runtime,
  staticResolver,
} from "../index.ts";

/** A resolver whose answers a test gives by hand, to all transports that use it. */
export interface ManualResolver extends Resolver {
  /**
   * What the name stands for from now on: whole lists, as `staticResolver` takes them. Who watches hears of it in a
   * microtask, and who begins to watch later hears the last answer then. Throws a TypeError or RangeError for an address
   * that is wrong, and for an empty list.
   */
  answer(...addresses: readonly (string | Address)[]): void;
  /** Lookups fail from now on, with this: those who watch hear of it in a microtask. */
  fail(error: unknown): void;
  /** How often transports asked to look again: after failures, and by their rotation timer. */
  readonly refreshes: number;
  /** Transports that watch now: none before their first call, and none that was closed. */
  readonly watches: number;
}

/** What every watch is told: an answer, or an error. Undefined: nobody answers yet. */
type Answer = { readonly resolver: Resolver } | { readonly error: unknown } | undefined;

/** Without addresses, the first lookup waits until a test answers it. */
export function manualResolver(...addresses: readonly (string | Address)[]): ManualResolver {
  const resolver = new AnswersByHand();
  if (addresses.length > 0) resolver.answer(...addresses);
  return resolver;
}

class AnswersByHand implements ManualResolver {
  readonly name = "manual";
  refreshes = 0;
  readonly #watches = new Set<Watch>();
  #answer: Answer;

  get watches(): number {
    return this.#watches.size;
  }

  answer(...addresses: readonly (string | Address)[]): void {
    this.#tell({ resolver: staticResolver(addresses) });
  }

  fail(error: unknown): void {
    this.#tell({ error });
  }

  watch(target: ResolverTarget, listener: ResolverListener, runtime: Runtime): ResolverWatch {
    const watch = new Watch(target, listener, runtime);
    this.#watches.add(watch);
    watch.tell(this.#answer);
    return {
      refresh: () => {
        this.refreshes++;
      },
      close: () => {
        this.#watches.delete(watch);
        watch.tell(undefined);
      },
    };
  }

  #tell(answer: Answer): void {
    this.#answer = answer;
    for (const watch of this.#watches) watch.tell(answer);
  }
}

/** One transport that waits for answers. */
class Watch {
  readonly #target: ResolverTarget;
  readonly #listener: ResolverListener;
  readonly #runtime: Runtime;
  /** How the last answer is told: a watch of a fixed list, which reads the addresses and reports in its own time. */
  #told: ResolverWatch | undefined;

  constructor(target: ResolverTarget, listener: ResolverListener, runtime: Runtime) {
    this.#target = target;
    this.#listener = listener;
    this.#runtime = runtime;
  }

  /** Undefined takes back what has not been told yet. */
  tell(answer: Answer): void {
    this.#told?.close();
    this.#told = undefined;
    if (answer === undefined) return;
    this.#told = "resolver" in answer ? this.#list(answer.resolver) : this.#failure(answer.error);
  }

  #list(resolver: Resolver): ResolverWatch {
    return resolver.watch(this.#target, this.#listener, this.#runtime);
  }

  #failure(error: unknown): ResolverWatch {
    let closed = false;
    Promise.resolve().then(() => {
      if (!closed) this.#listener.onError(error);
    });
    return {
      refresh: () => undefined,
      close: () => {
        closed = true;
      },
    };
  }
}
