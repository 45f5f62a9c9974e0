import { checkBoolean, checkNames, checkObject } from "../base/check.ts";
import type { Failure } from "../base/errors.ts";
import type { TimerHandle } from "../runtime/clock.ts";
import type { Backend } from "../subchannel/backend.ts";
import type { Picker } from "./picker.ts";
import type { LoadBalancing, Policy, PolicyController, PolicyUpdate } from "./policy.ts";
import { priorityOf } from "./priority.ts";
import { queueAll, withoutReady } from "./unreachable.ts";

/** Options of {@link pickFirst}. */
export interface PickFirstOptions {
  /** Try the backends in random order (gRFC A62), so that clients spread. Default `false`: the resolver's order. */
  readonly shuffle?: boolean;
}

/**
 * All calls to the first backend that can be reached, as gRPC's pick_first. Order is the resolver's: `pickFirst` tries
 * backends in it, `roundRobin` does not care. The others are dialled only when it is
 * lost, or does not answer the dial within 250 ms (gRFC A61), or a suspicion that it is dead stands for as long. For
 * targets where any one backend will do and connections are dear.
 *
 * Throws a TypeError or RangeError that names the option.
 */
export function pickFirst(options: PickFirstOptions = {}): LoadBalancing {
  checkNames("pickFirst", checkObject("pickFirst", options), ["shuffle"]);
  const { shuffle = false } = options;
  checkBoolean("pickFirst: shuffle", shuffle);
  return { name: "pick_first", createPolicy: (controller) => new PickFirstPolicy(controller, shuffle) };
}

/** How long one dial keeps the next backend waiting: gRFC A61's Connection Attempt Delay (RFC 8305). */
const dialDelayMs = 250;

class PickFirstPolicy implements Policy {
  readonly #controller: PolicyController;
  /** Each backend's place in the order of dialling: fixed when it is first seen. */
  readonly #rank: WeakMap<Backend, number> | undefined;
  #chosen: Backend | undefined;
  #ordered: readonly Backend[] = [];
  /** Runs while the chosen one is suspect. */
  #doubtTimer: TimerHandle | undefined;
  /** Of the dials of the present pass. The timer is what starts another beside it. */
  #newest: { readonly backend: Backend; readonly timer: TimerHandle } | undefined;
  /** Failures from before the present pass over the backends: they say nothing about it. */
  readonly #oldNews = new WeakSet<Failure>();

  constructor(controller: PolicyController, shuffle: boolean) {
    this.#controller = controller;
    this.#rank = shuffle ? new WeakMap() : undefined;
  }

  update({ backends, ready }: PolicyUpdate): void {
    this.#ordered = this.#order(backends);
    // One that is suspect stays chosen until there is a better one: calls must go somewhere.
    if (this.#chosen === undefined || !ready.includes(this.#chosen)) {
      if (this.#chosen !== undefined) this.#beginPass();
      this.#chosen = ready.length === 0 ? undefined : this.#ordered.find((backend) => ready.includes(backend));
    }
    if (this.#chosen !== undefined) {
      if (this.#chosen.isLeaving === true) this.#replace();
      else if (this.#chosen.availability === "usable") this.#endPass(this.#chosen);
      else this.#doubt(this.#chosen);
      this.#controller.publish(new SinglePicker(this.#chosen));
      return;
    }
    this.#trust();
    if (this.#ordered.every((backend) => this.#hasFailed(backend))) {
      // All failed: each is dialled again on its own backoff.
      for (const backend of this.#ordered) backend.connect();
      this.#controller.publish(withoutReady(this.#ordered, this.#controller));
    } else {
      if (this.#newest?.backend.state !== "connecting") this.#dialNext();
      this.#controller.publish(queueAll);
    }
  }

  close(): void {
    this.#trust();
    this.#stopWaiting();
  }

  /** The chosen one is suspect: if it still is in a moment, another is dialled to take its place. */
  #doubt(chosen: Backend): void {
    this.#doubtTimer ??= this.#controller.clock.setTimeout(() => {
      this.#doubtTimer = undefined;
      if (this.#chosen !== chosen || chosen.availability === "usable") return;
      this.#beginPass();
      this.#dialNext();
    }, dialDelayMs);
  }

  /** The resolver names the chosen one no longer: those that it does name are dialled, as at the beginning. */
  #replace(): void {
    const named = this.#ordered.filter(({ isLeaving }) => isLeaving !== true);
    if (named.every((backend) => this.#hasFailed(backend))) for (const backend of named) backend.connect();
    else if (this.#newest?.backend.state !== "connecting") this.#dialNext();
  }

  #trust(): void {
    this.#controller.clock.clearTimeout(this.#doubtTimer);
    this.#doubtTimer = undefined;
  }

  /** Dials the first that was not dialled in this pass; the one after it when that fails, or in a moment all the same. */
  #dialNext(): void {
    this.#stopWaiting();
    const backend = this.#ordered.find((one) => one.state === "idle" && !this.#hasFailed(one));
    if (backend === undefined) return;
    backend.connect();
    // A resting pool dials nothing: it asks again when a call comes.
    if (backend.state !== "connecting") return;
    const timer = this.#controller.clock.setTimeout(() => this.#dialNext(), dialDelayMs);
    this.#newest = { backend, timer };
  }

  #stopWaiting(): void {
    this.#controller.clock.clearTimeout(this.#newest?.timer);
    this.#newest = undefined;
  }

  /**
   * One serves: the dials beside it are given up, and a connection that came too late is closed. Those of the levels
   * before its own are dialled on, for calls go back to them.
   */
  #endPass(chosen: Backend): void {
    this.#trust();
    this.#stopWaiting();
    const level = priorityOf(chosen);
    for (const backend of this.#ordered) {
      if (priorityOf(backend) < level) backend.connect();
      else if (backend !== chosen) backend.disconnect();
    }
  }

  /** The chosen one is lost: each of the others gets its chance, whatever an earlier pass found (gRFC A62). */
  #beginPass(): void {
    for (const { lastFailure } of this.#ordered) if (lastFailure !== undefined) this.#oldNews.add(lastFailure);
  }

  #hasFailed({ state, lastFailure }: Backend): boolean {
    if (state === "transient-failure") return true;
    return lastFailure !== undefined && !this.#oldNews.has(lastFailure);
  }

  #order(backends: readonly Backend[]): readonly Backend[] {
    const rank = this.#rank;
    if (rank === undefined) return backends;
    for (const backend of backends) if (!rank.has(backend)) rank.set(backend, this.#controller.random.next());
    return [...backends].sort((a, b) => (rank.get(a) ?? 0) - (rank.get(b) ?? 0));
  }
}

class SinglePicker implements Picker {
  readonly #backend: Backend;

  constructor(backend: Backend) {
    this.#backend = backend;
  }

  pick(): Backend | "queue" {
    return this.#backend.hasRoom ? this.#backend : "queue";
  }
}
