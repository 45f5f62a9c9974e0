import { checkBoolean, checkNames, checkObject } from "../check.ts";
import type { Failure } from "../errors.ts";
import type { Backend } from "../subchannel/backend.ts";
import type { Picker } from "./picker.ts";
import type { LoadBalancing, Policy, PolicyController } from "./policy.ts";
import { queueAll, withoutReady } from "./unreachable.ts";

/** Options of {@link pickFirst}. */
export interface PickFirstOptions {
  /** Try the addresses in random order (gRFC A62), so that clients spread. Default `false`: the resolver's order. */
  readonly shuffle?: boolean;
}

/**
 * All calls to the first backend that can be reached, as gRPC's pick_first: the others are dialled only when it is
 * lost. For targets where any one backend will do and connections are dear.
 */
export function pickFirst(options: PickFirstOptions = {}): LoadBalancing {
  checkNames("pickFirst", checkObject("pickFirst", options), ["shuffle"]);
  const { shuffle = false } = options;
  checkBoolean("pickFirst: shuffle", shuffle);
  return { name: "pick_first", createPolicy: (controller) => new PickFirstPolicy(controller, shuffle) };
}

class PickFirstPolicy implements Policy {
  readonly #controller: PolicyController;
  /** Each backend's place in the order of dialling: fixed when it is first seen. */
  readonly #rank: WeakMap<Backend, number> | undefined;
  #chosen: Backend | undefined;
  /** Failures from before the present pass over the backends: they say nothing about it. */
  readonly #oldNews = new WeakSet<Failure>();

  constructor(controller: PolicyController, shuffle: boolean) {
    this.#controller = controller;
    this.#rank = shuffle ? new WeakMap() : undefined;
  }

  update(backends: readonly Backend[]): void {
    const ordered = this.#order(backends);
    if (this.#chosen?.state !== "ready" || !ordered.includes(this.#chosen)) {
      if (this.#chosen !== undefined) this.#beginPass(ordered);
      this.#chosen = ordered.find((backend) => backend.state === "ready");
    }
    if (this.#chosen !== undefined) {
      this.#controller.publish(new SinglePicker(this.#chosen));
      return;
    }
    // One dial at a time, of the first that has not failed in this pass; when all have, each on its own backoff.
    const untried = ordered.find((backend) => !this.#hasFailed(backend));
    if (untried === undefined) {
      for (const backend of ordered) backend.connect();
      this.#controller.publish(withoutReady(ordered, this.#controller.target));
    } else {
      untried.connect();
      this.#controller.publish(queueAll);
    }
  }

  /** The chosen one is lost: each of the others gets its chance, whatever an earlier pass found (gRFC A62). */
  #beginPass(backends: readonly Backend[]): void {
    for (const { lastFailure } of backends) if (lastFailure !== undefined) this.#oldNews.add(lastFailure);
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
