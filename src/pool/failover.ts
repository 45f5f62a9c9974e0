import type { Clock, TimerHandle } from "../runtime/clock.ts";
import { queueMicrotask } from "../runtime/microtask.ts";
import { type EndpointList, type EndpointLists, levelsOf } from "./endpoint-list.ts";
import { type BackendFacts, Level } from "./level.ts";
import type { Subset } from "./subset.ts";

export type { BackendFacts } from "./level.ts";

/** Told what failover decides. */
export interface FailoverListener {
  /**
   * From now on these are the endpoints to connect to. Empty: the resolver says that there are none. `inUse` is to be
   * called once each has its backend, before this returns or later; not where another list comes first.
   */
  onEndpoints(list: EndpointList, inUse: () => void): void;
  /** Calls go to the other family's addresses, for no preferred one can be reached. May be said again. */
  onFallbackServes(): void;
}

/** So long may addresses of one family be dialled in vain: the Connection Attempt Delay of RFC 8305 §5. */
const familyPatienceMs = 250;

/** So long may endpoints of one priority be dialled in vain: the failover timer of gRFC A56. */
const priorityPatienceMs = 10_000;

/**
 * So long must an endpoint have been ready without a break before those below it leave: one that comes and goes
 * does not move all calls each time, and the others of its level are dialled again meanwhile.
 */
const provenAfterMs = 10_000;

/**
 * Chooses how much of what a resolver names is connected: levels, one below the other. They are priorities (gRFC A56), or
 * the addresses that a resolver prefers and its fallback: those of another family, of the same backends most likely, so
 * that to use both would count each backend twice.
 *
 * A level joins when each endpoint above it has failed, or none became ready in time. Those above are dialled on. Once one
 * of them works, those below leave: after 10 s, or at once where none of them is ready.
 */
export class Failover {
  readonly #backendOf: (id: string) => BackendFacts | undefined;
  readonly #listener: FailoverListener;
  readonly #clock: Clock;
  readonly #subset: Subset | undefined;
  #levels: readonly Level[] = [];
  /** Levels are priorities, and not the addresses of two families. */
  #arePriorities = false;
  /** How many levels are in use, from the first on. */
  #inUse = 1;
  /** The change that is due, if nothing speaks against it until then. */
  #due: { readonly inUse: number; readonly timer: TimerHandle } | undefined;
  #checkScheduled = false;
  /** Until each endpoint of those in use has its backend, nothing can be said of them. */
  #isSettling = false;
  #stopped = false;

  /** `backendOf` finds a backend in use by its id. `subset`: the part of each level that is this client's. */
  constructor(
    backendOf: (id: string) => BackendFacts | undefined,
    clock: Clock,
    listener: FailoverListener,
    subset?: Subset,
  ) {
    this.#backendOf = backendOf;
    this.#clock = clock;
    this.#listener = listener;
    this.#subset = subset;
  }

  /** The resolver's newest lists. */
  resolved({ preferred, fallback }: EndpointLists): void {
    const below = levelsOf(fallback);
    const arePriorities = below.length > 0 && levelsOf(new Map([...preferred, ...fallback])).length > 1;
    this.#arePriorities = arePriorities;
    this.#levels = [preferred, ...below].map((list) => new Level(this.#subset?.of(list) ?? list, arePriorities));
    if (this.#inUse > this.#levels.length || below.length === 0) {
      this.#cancelChange();
      this.#inUse = this.#levels.length;
    }
    this.#use();
  }

  /** The state of a backend changed: looked at once a tick, before the policy sees it. */
  backendChanged(backend: BackendFacts): void {
    if (this.#levels.length < 2 || this.#isSettling) return;
    for (const level of this.#levels) level.count(backend.id, backend);
    this.#checkSoon();
  }

  stop(): void {
    this.#stopped = true;
    this.#cancelChange();
  }

  #checkSoon(): void {
    if (this.#levels.length < 2 || this.#checkScheduled || this.#isSettling) return;
    this.#checkScheduled = true;
    queueMicrotask(() => {
      this.#checkScheduled = false;
      if (!this.#stopped && !this.#isSettling && this.#levels.length > 1) this.#check();
    });
  }

  #check(): void {
    const inUse = this.#levels.slice(0, this.#inUse);
    const serving = inUse.findIndex(({ ready }) => ready > 0);
    if (serving === -1) {
      this.#checkNext(inUse);
    } else if (serving === inUse.length - 1) {
      this.#cancelChange();
      // That calls go to another priority is no sign of anything wrong here.
      if (serving > 0 && !this.#arePriorities) this.#listener.onFallbackServes();
    } else if (inUse.slice(serving + 1).every(({ ready }) => ready === 0)) {
      this.#change(serving + 1);
    } else {
      this.#changeLater(serving + 1, provenAfterMs);
    }
  }

  /** None of those in use is ready. */
  #checkNext(inUse: readonly Level[]): void {
    const isLast = inUse.length === this.#levels.length;
    if (!isLast && inUse.every(({ unfailed }) => unfailed === 0)) this.#change(inUse.length + 1);
    else if (!isLast && inUse.some(({ connecting }) => connecting > 0)) {
      this.#changeLater(inUse.length + 1, this.#arePriorities ? priorityPatienceMs : familyPatienceMs);
    } else this.#cancelChange();
  }

  /** In place of another change, for which nothing speaks any more. */
  #changeLater(inUse: number, waitMs: number): void {
    if (this.#due?.inUse === inUse) return;
    this.#cancelChange();
    this.#due = { inUse, timer: this.#clock.setTimeout(() => this.#change(inUse), waitMs) };
  }

  #change(inUse: number): void {
    this.#cancelChange();
    this.#inUse = inUse;
    this.#use();
  }

  #use(): void {
    const inUse = this.#levels.slice(0, this.#inUse);
    const [first] = inUse;
    const list =
      first !== undefined && inUse.length === 1 ? first.list : new Map(inUse.flatMap((one) => [...one.list]));
    this.#isSettling = true;
    this.#listener.onEndpoints(list, () => {
      this.#isSettling = false;
      if (this.#levels.length > 1) for (const level of this.#levels) level.countAll(this.#backendOf);
      // Of a level that joined each may have failed before, or its turn may come as well.
      this.#checkSoon();
    });
  }

  #cancelChange(): void {
    this.#clock.clearTimeout(this.#due?.timer);
    this.#due = undefined;
  }
}
