import type { Address } from "../endpoint/address.ts";
import type { Clock, TimerHandle } from "../runtime/clock.ts";
import { queueMicrotask } from "../runtime/microtask.ts";
import type { Backend } from "../subchannel/backend.ts";

/** Addresses by their text. */
export type AddressList = ReadonlyMap<string, Address>;

/** The pool, as its failover sees it. */
export interface FailoverOwner {
  /** A backend in use, by the text of its address. */
  backend(key: string): Pick<Backend, "state" | "lastFailure"> | undefined;
  /** From now on these are the addresses to connect to. */
  useAddresses(list: AddressList): void;
  /** Calls go to fallback addresses, for no preferred one can be reached. May be said again. */
  fallbackServes(): void;
}

/** So long may preferred addresses be dialled in vain: the Connection Attempt Delay of RFC 8305 §5. */
const dialPatienceMs = 250;

/**
 * So long must a preferred address have been ready without a break before the fallback leaves: an address that comes and
 * goes does not move all calls each time, and the other preferred ones are dialled again meanwhile.
 */
const provenAfterMs = 10_000;

const none: AddressList = new Map();

/**
 * Chooses between the addresses that the resolver prefers and its fallback: addresses of another family, of the same
 * backends most likely, so that to use both would count each backend twice.
 *
 * The fallback joins when each preferred address has failed, or none became ready within 250 ms. The preferred ones are
 * dialled on. Once one of them works, the fallback leaves: after 10 s, or at once where no fallback address is ready.
 */
export class Failover {
  readonly #owner: FailoverOwner;
  readonly #clock: Clock;
  #preferred = none;
  #fallback = none;
  #fallbackInUse = false;
  /** To the change of sides that is due, if nothing speaks against it until then. */
  #timer: TimerHandle | undefined;
  #checkScheduled = false;
  #stopped = false;

  constructor(owner: FailoverOwner, clock: Clock) {
    this.#owner = owner;
    this.#clock = clock;
  }

  /** The resolver's newest list. */
  resolved(preferred: AddressList, fallback: AddressList): void {
    this.#preferred = preferred;
    this.#fallback = fallback;
    if (fallback.size === 0) {
      this.#cancelChange();
      this.#fallbackInUse = false;
    }
    this.#use();
    this.backendChanged();
  }

  /** The state of a backend changed: looked at once a tick, before the policy sees it. */
  backendChanged(): void {
    if (this.#fallback.size === 0 || this.#checkScheduled) return;
    this.#checkScheduled = true;
    queueMicrotask(() => {
      this.#checkScheduled = false;
      if (!this.#stopped && this.#fallback.size > 0) this.#check();
    });
  }

  stop(): void {
    this.#stopped = true;
    this.#cancelChange();
  }

  #check(): void {
    const preferredReady = this.#some(this.#preferred, ({ state }) => state === "ready");
    if (this.#fallbackInUse) this.#checkReturn(preferredReady);
    else this.#checkFailure(preferredReady);
  }

  #checkFailure(preferredReady: boolean): void {
    if (preferredReady) {
      this.#cancelChange();
    } else if (!this.#some(this.#preferred, ({ lastFailure }) => lastFailure === undefined)) {
      this.#change(true);
    } else if (this.#some(this.#preferred, ({ state }) => state === "connecting")) {
      this.#timer ??= this.#clock.setTimeout(() => this.#change(true), dialPatienceMs);
    }
  }

  #checkReturn(preferredReady: boolean): void {
    const fallbackReady = this.#some(this.#fallback, ({ state }) => state === "ready");
    if (!preferredReady) {
      this.#cancelChange();
      if (fallbackReady) this.#owner.fallbackServes();
    } else if (!fallbackReady) {
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
    this.#owner.useAddresses(this.#fallbackInUse ? new Map([...this.#preferred, ...this.#fallback]) : this.#preferred);
  }

  #cancelChange(): void {
    this.#clock.clearTimeout(this.#timer);
    this.#timer = undefined;
  }

  #some(list: AddressList, test: (backend: Pick<Backend, "state" | "lastFailure">) => boolean): boolean {
    for (const key of list.keys()) {
      const backend = this.#owner.backend(key);
      if (backend !== undefined && test(backend)) return true;
    }
    return false;
  }
}
