import { Code } from "@connectrpc/connect";
import type { LeftOutFacts } from "../availability/left-out.ts";
import type { ReadyBackends } from "../availability/ready-backends.ts";
import type { Failure } from "../base/errors.ts";
import { describeCause } from "../base/thrown.ts";
import type { GlinkSnapshot } from "../observe/snapshot.ts";
import type { TimerHandle } from "../runtime/clock.ts";
import type { Late } from "../runtime/late.ts";
import { emptyTally } from "../subchannel/backend-record.ts";
import type { CallConnection } from "../subchannel/call-connection.ts";
import type { Subchannel } from "../subchannel/subchannel.ts";
import type { DrainingConnection } from "./drain.ts";
import type { EndpointList } from "./endpoint-list.ts";
import type { PoolBackends, PoolBackendsListener, PoolBackendsOptions } from "./pool-backends.ts";

/** What backends are made of: most of the code of a pool. */
export interface BackendsModule {
  readonly PoolBackends: typeof PoolBackends;
}

/** Told of the backends, and when they cannot be made. */
export interface LateBackendsListener extends PoolBackendsListener {
  /** The code that makes them could not be loaded. */
  onLoadFailed(failure: Failure): void;
}

/** Whether calls go to all backends, because too few are usable; and the ejections so far, by their reasons. */
export type AvailabilityFacts = Pick<GlinkSnapshot, "panic" | "ejections">;

/** A list of endpoints, and who waits until it is in use: as {@link PoolBackends.use} takes them. */
interface NamedEndpoints {
  readonly list: EndpointList;
  readonly held: ReadonlySet<string>;
  readonly inUse: () => void;
}

/** Which of no backends calls may go to. */
const noneReady: Pick<ReadyBackends, "list" | "anyRoom" | "panics" | "update" | "roomChanged"> = {
  list: [],
  anyRoom: false,
  panics: false,
  update: () => undefined,
  roomChanged: () => false,
};

/** What could not be loaded, a file that was being replaced, it may be, is tried again after so long. */
const retryMs = 1_000;

/**
 * The backends of a pool. Their code is loaded beside the first lookup, and until it is there and a list has come there
 * are none.
 */
export class LateBackends {
  readonly #options: PoolBackendsOptions;
  readonly #listener: LateBackendsListener;
  readonly #module: Late<BackendsModule>;
  #made: PoolBackends | undefined;
  /** The newest list, which waits for the code. */
  #named: NamedEndpoints | undefined;
  #retryTimer: TimerHandle | undefined;

  constructor(options: PoolBackendsOptions, module: Late<BackendsModule>, listener: LateBackendsListener) {
    this.#options = options;
    this.#module = module;
    this.#listener = listener;
  }

  /** As those of {@link PoolBackends}. */
  get ready(): typeof noneReady {
    return this.#made?.ready ?? noneReady;
  }

  get size(): number {
    return this.#made?.size ?? 0;
  }

  get list(): readonly Subchannel[] {
    return this.#made?.list ?? [];
  }

  get readyCount(): number {
    return this.#made?.readyCount ?? 0;
  }

  get draining(): Iterable<DrainingConnection> {
    return this.#made?.draining ?? [];
  }

  get lastFailure(): Failure | undefined {
    return this.#made?.lastFailure;
  }

  get availability(): AvailabilityFacts {
    const { ejections } = this.#made?.conditions.tally ?? emptyTally();
    return { panic: this.ready.panics, ejections: { ...ejections } };
  }

  get(id: string): Subchannel | undefined {
    return this.#made?.get(id);
  }

  isStale(subchannel: Subchannel): boolean {
    return this.#made?.isStale(subchannel) === true;
  }

  /** Why one is not used like any other. */
  factsOf(subchannel: Subchannel): LeftOutFacts | undefined {
    return this.#made?.protection.factsOf(subchannel);
  }

  hasConnectionBeyond(failed: readonly CallConnection[]): boolean {
    return this.#made?.hasConnectionBeyond(failed) === true;
  }

  /** Whether no call has come for long, and what nobody waits for is not dialled. */
  get resting(): boolean {
    return this.#made?.conditions.resting === true;
  }

  rest(): void {
    if (this.#made !== undefined) this.#made.conditions.resting = true;
  }

  wake(): void {
    this.#made?.wake();
  }

  /** Begins to load the code: a list is being looked up. */
  prepare(): void {
    // What is wrong is said when a list comes.
    if (this.#made === undefined) this.#module.get().catch(() => undefined);
  }

  /** Takes in a list, at once or as soon as the code is there. */
  use(list: EndpointList, held: ReadonlySet<string>, inUse: () => void): void {
    if (this.#made !== undefined) {
      this.#made.use(list, held, inUse);
      return;
    }
    this.#named = { list, held, inUse };
    this.#options.runtime.clock.clearTimeout(this.#retryTimer);
    this.#useNamed();
  }

  close(failure: Failure, closed: () => void): void {
    this.#named = undefined;
    this.#options.runtime.clock.clearTimeout(this.#retryTimer);
    if (this.#made === undefined) closed();
    else this.#made.close(failure, closed);
  }

  #useNamed(): void {
    const { loaded } = this.#module;
    if (loaded !== undefined) {
      this.#make(loaded);
      return;
    }
    this.#module.get().then(
      (module) => this.#make(module),
      (cause) => {
        if (this.#named === undefined) return;
        this.#retryTimer = this.#options.runtime.clock.setTimeout(() => this.#useNamed(), retryMs);
        this.#listener.onLoadFailed(notLoadedFailure(cause));
      },
    );
  }

  /** Nothing waits any more where an earlier list asked for the same, or the pool was closed. */
  #make(module: BackendsModule): void {
    const named = this.#named;
    if (named === undefined) return;
    this.#named = undefined;
    this.#made = new module.PoolBackends(this.#options, this.#listener);
    this.#made.use(named.list, named.held, named.inUse);
  }
}

function notLoadedFailure(cause: unknown): Failure {
  const message = `a part of glink could not be loaded: ${describeCause(cause)}`;
  return { kind: "no-backend", code: Code.Unavailable, progress: "unsent", message, cause };
}
