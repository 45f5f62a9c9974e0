import type { Events } from "../observe/events.ts";
import type { EndpointLists } from "./endpoint-list.ts";
import type { BackendFacts } from "./failover.ts";

/** A single backend that is replaced is no sign of an answer that lacks something. */
const smallestPool = 2;

/**
 * Doubts an answer that lacks more than half of a pool that works. DNS servers that lose sight of their zone, or a cut
 * answer, look like backends that have left, and those that are left over would get all the calls. What still works is
 * held until a second answer lacks it too.
 */
export class LossGuard {
  readonly #backendOf: (id: string) => BackendFacts | undefined;
  readonly #events: Events;
  /** What the last answer named, the fallback included. */
  #named: ReadonlySet<string> = new Set();
  #held: ReadonlySet<string> = new Set();

  constructor(backendOf: (id: string) => BackendFacts | undefined, events: Events) {
    this.#backendOf = backendOf;
    this.#events = events;
  }

  /** Ids of backends that the last answer lacks, and that stay in service until another one lacks them too. */
  get held(): ReadonlySet<string> {
    return this.#held;
  }

  /** Looks at a new answer. True: it is doubted, and another one is wanted. */
  resolved({ preferred, fallback }: EndpointLists): boolean {
    const named = new Set([...preferred.keys(), ...fallback.keys()]);
    const working = [...this.#named].filter((id) => this.#backendOf(id)?.state === "ready");
    const lost = working.filter((id) => !named.has(id));
    // With no backend named the resolver knows that there is none.
    const isDoubted = named.size > 0 && working.length >= smallestPool && lost.length > working.length / 2;
    const returned = [...this.#held].filter((id) => named.has(id));
    this.#named = named;
    this.#held = new Set(isDoubted ? lost : []);
    if (this.#events.active && (isDoubted || returned.length > 0)) {
      this.#events.publish({ type: "backends-stale", stale: [...this.#held], returned });
    }
    return isDoubted;
  }
}
