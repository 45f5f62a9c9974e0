import type { Backend } from "../subchannel/backend.ts";
import type { EndpointList } from "./endpoint-list.ts";

/** What failover looks at in a backend. */
export interface BackendFacts extends Pick<Backend, "id" | "state" | "lastFailure"> {
  readonly availability?: Backend["availability"] | undefined;
}

/** Endpoints of one level, and how their backends fare. They are counted as they change, because thousands may fail one by one. */
export class Level {
  readonly list: EndpointList;
  ready = 0;
  connecting = 0;
  /** Nothing is known against them: they work, or were not dialled in vain yet. */
  unfailed = 0;
  /** As what each of its backends that are in use was counted. */
  readonly #counted = new Map<string, Omit<BackendFacts, "id">>();
  readonly #needsUsable: boolean;

  /** `needsUsable`: a backend that calls should not go to does not count as ready. */
  constructor(list: EndpointList, needsUsable: boolean) {
    this.list = list;
    this.#needsUsable = needsUsable;
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
    const { state, lastFailure, availability } = backend;
    const facts = { state, lastFailure, availability };
    this.#counted.set(id, facts);
    this.#add(facts, 1);
  }

  #add({ state, lastFailure, availability }: Omit<BackendFacts, "id">, change: 1 | -1): void {
    if (state === "connecting") this.connecting += change;
    const isLeftOut = this.#needsUsable && state === "ready" && availability !== "usable";
    if (isLeftOut) return;
    if (state === "ready") this.ready += change;
    if (lastFailure === undefined) this.unfailed += change;
  }
}
