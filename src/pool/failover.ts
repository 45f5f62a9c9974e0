import type { Clock, TimerHandle } from "../runtime/clock.ts";
import { queueMicrotask } from "../runtime/microtask.ts";
import type { Backend } from "../subchannel/backend.ts";
import { type EndpointList, type EndpointLists, noEndpoints } from "./endpoint-list.ts";

/** What failover looks at in a backend. */
export type BackendFacts = Pick<Backend, "id" | "state" | "lastFailure">;

/** Told what failover decides. */
export interface FailoverListener {
  /** From now on these are the endpoints to connect to. Empty: the resolver says that there are none. */
  onEndpoints(list: EndpointList): void;
  /** Calls go to fallback endpoints, for no preferred one can be reached. May be said again. */
  onFallbackServes(): void;
}

/** So long may preferred endpoints be dialled in vain: the Connection Attempt Delay of RFC 8305 §5. */
const dialPatienceMs = 250;

/**
 * So long must a preferred endpoint have been ready without a break before the fallback leaves: one that comes and goes
 * does not move all calls each time, and the other preferred ones are dialled again meanwhile.
 */
const provenAfterMs = 10_000;

/**
 * Chooses between the endpoints that the resolver prefers and its fallback: addresses of another family, of the same
 * backends most likely, so that to use both would count each backend twice.
 *
 * The fallback joins when each preferred endpoint has failed, or none became ready within 250 ms. The preferred ones are
 * dialled on. Once one of them works, the fallback leaves: after 10 s, or at once where no fallback endpoint is ready.
 */
export class Failover {
  readonly #backendOf: (id: string) => BackendFacts | undefined;
  readonly #listener: FailoverListener;
  readonly #clock: Clock;
  #preferred = new Side(noEndpoints);
  #fallback = new Side(noEndpoints);
  #fallbackInUse = false;
  /** To the change of sides that is due, if nothing speaks against it until then. */
  #timer: TimerHandle | undefined;
  #checkScheduled = false;
  #stopped = false;

  /** `backendOf` finds a backend in use by its id. */
  constructor(backendOf: (id: string) => BackendFacts | undefined, clock: Clock, listener: FailoverListener) {
    this.#backendOf = backendOf;
    this.#clock = clock;
    this.#listener = listener;
  }

  /** The resolver's newest lists. */
  resolved({ preferred, fallback }: EndpointLists): void {
    this.#preferred = new Side(preferred);
    this.#fallback = new Side(fallback);
    if (fallback.size === 0) {
      this.#cancelChange();
      this.#fallbackInUse = false;
    }
    this.#use();
    this.#checkSoon();
  }

  /** The state of a backend changed: looked at once a tick, before the policy sees it. */
  backendChanged(backend: BackendFacts): void {
    if (this.#fallback.list.size === 0) return;
    this.#preferred.count(backend.id, backend);
    this.#fallback.count(backend.id, backend);
    this.#checkSoon();
  }

  stop(): void {
    this.#stopped = true;
    this.#cancelChange();
  }

  #checkSoon(): void {
    if (this.#fallback.list.size === 0 || this.#checkScheduled) return;
    this.#checkScheduled = true;
    queueMicrotask(() => {
      this.#checkScheduled = false;
      if (this.#stopped || this.#fallback.list.size === 0) return;
      if (this.#fallbackInUse) this.#checkReturn();
      else this.#checkFailure();
    });
  }

  #checkFailure(): void {
    const { ready, unfailed, connecting } = this.#preferred;
    if (ready > 0) {
      this.#cancelChange();
    } else if (unfailed === 0) {
      this.#change(true);
    } else if (connecting > 0) {
      this.#timer ??= this.#clock.setTimeout(() => this.#change(true), dialPatienceMs);
    }
  }

  #checkReturn(): void {
    if (this.#preferred.ready === 0) {
      this.#cancelChange();
      if (this.#fallback.ready > 0) this.#listener.onFallbackServes();
    } else if (this.#fallback.ready === 0) {
      this.#change(false);
    } else {
      this.#timer ??= this.#clock.setTimeout(() => this.#change(false), provenAfterMs);
    }
  }

  #change(fallbackInUse: boolean): void {
    this.#cancelChange();
    this.#fallbackInUse = fallbackInUse;
    this.#use();
  }

  #use(): void {
    const preferred = this.#preferred.list;
    const fallback = this.#fallback.list;
    this.#listener.onEndpoints(this.#fallbackInUse ? new Map([...preferred, ...fallback]) : preferred);
    for (const side of [this.#preferred, this.#fallback]) side.countAll(this.#backendOf);
  }

  #cancelChange(): void {
    this.#clock.clearTimeout(this.#timer);
    this.#timer = undefined;
  }
}

/** One of the two lists and how its backends fare. They are counted as they change, because thousands may fail one by one. */
class Side {
  readonly list: EndpointList;
  ready = 0;
  connecting = 0;
  /** Nothing is known against them: they work, or were not dialled in vain yet. */
  unfailed = 0;
  /** As what each of its backends that are in use was counted. */
  readonly #counted = new Map<string, Pick<BackendFacts, "state" | "lastFailure">>();

  constructor(list: EndpointList) {
    this.list = list;
  }

  countAll(backendOf: (id: string) => BackendFacts | undefined): void {
    for (const id of this.list.keys()) this.count(id, backendOf(id));
  }

  /** Counts a backend as what it is now, if it is one of the list. Undefined, or shut down: it is not in use. */
  count(id: string, backend: BackendFacts | undefined): void {
    if (!this.list.has(id)) return;
    const before = this.#counted.get(id);
    if (before !== undefined) this.#add(before, -1);
    if (backend === undefined || backend.state === "shutdown") {
      this.#counted.delete(id);
      return;
    }
    const facts = { state: backend.state, lastFailure: backend.lastFailure };
    this.#counted.set(id, facts);
    this.#add(facts, 1);
  }

  #add({ state, lastFailure }: Pick<BackendFacts, "state" | "lastFailure">, change: 1 | -1): void {
    if (state === "ready") this.ready += change;
    if (state === "connecting") this.connecting += change;
    if (lastFailure === undefined) this.unfailed += change;
  }
}
