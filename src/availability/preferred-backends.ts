import { priorityOf } from "../balancing/priority.ts";
import type { Events } from "../observe/events.ts";
import type { Backend } from "../subchannel/backend.ts";
import { type ZoneFactors, zoneFactors, zoneOf } from "./zones.ts";

/** A backend whose weight is told by whether its zone is this client's. */
export interface ZonedBackend extends Backend {
  /** Multiplies its weight. 1: zones make no difference. */
  zoneFactor: number;
}

/**
 * Of the backends that calls may go to those that they should: of the first priority that has any (gRFC A56), and of the
 * client's own zone as long as it carries its share.
 */
export class PreferredBackends {
  readonly #zone: string | undefined;
  readonly #events: Events;
  #list: readonly Backend[] = [];
  /** What the list was made of. */
  #source: readonly Backend[] = [];
  #named: readonly Backend[] = [];
  /** The priority of the list; undefined: it is empty. */
  #priority: number | undefined;
  #zoneShare: number | undefined;

  /** `zone`: the client's; undefined: zones make no difference. */
  constructor(zone: string | undefined, events: Events) {
    this.#zone = zone;
    this.#events = events;
  }

  /** The same array until it changes, or the weights that zones give change. */
  get list(): readonly Backend[] {
    return this.#list;
  }

  /** `ready`: those that calls may go to, the same array until it changes. `named`: all there are. */
  update(ready: readonly Backend[], named: readonly ZonedBackend[], changed: readonly Backend[]): void {
    // A zone that is new has clients, though none of its backends is ready yet.
    const sameZones = this.#zone === undefined || named === this.#named;
    this.#named = named;
    if (sameZones && ready === this.#source && !changed.some(({ state }) => state === "ready")) return;
    const first = firstPriority(ready);
    const ofFirst = first.isOnly ? ready : ready.filter((backend) => priorityOf(backend) === first.priority);
    const factorsChanged = this.#zone !== undefined && this.#weigh(this.#zone, ofFirst, named);
    const list = ofFirst.length > 0 && this.#zone !== undefined ? ofFirst.filter(isWeighed) : ofFirst;
    this.#source = ready;
    this.#setPriority(ready.length === 0 ? undefined : first.priority);
    if (factorsChanged || list.length !== this.#list.length || list.some((one, i) => one !== this.#list[i])) {
      this.#list = list === ready ? ready : [...list];
    }
  }

  /** Sets the factors of all, 0 for those that are left out. Returns whether one of `ready` has another than before. */
  #weigh(zone: string, ready: readonly Backend[], named: readonly ZonedBackend[]): boolean {
    const before = new Map(named.map((backend) => [backend as Backend, backend.zoneFactor]));
    for (const backend of named) backend.zoneFactor = 1;
    const factors: ZoneFactors | undefined = zoneFactors(zone, ready, named, ({ weight }) => weight);
    if (factors !== undefined) for (const backend of named) backend.zoneFactor = factors.get(zoneOf(backend)) ?? 0;
    this.#setZoneShare(zone, ready, factors);
    return ready.some((backend) => (backend as ZonedBackend).zoneFactor !== before.get(backend));
  }

  #setPriority(priority: number | undefined): void {
    const from = this.#priority;
    this.#priority = priority;
    // To begin with the first is no news.
    if (from === priority || priority === undefined || (from === undefined && priority === 0)) return;
    if (this.#events.active) this.#events.publish({ type: "priority-changed", from, to: priority });
  }

  #setZoneShare(zone: string, ready: readonly Backend[], factors: ZoneFactors | undefined): void {
    if (ready.length === 0) return;
    const own = ready.reduce((sum, backend) => sum + (zoneOf(backend) === zone ? backend.weight : 0), 0);
    const total = ready.reduce((sum, backend) => sum + backend.weight, 0);
    const share = factors === undefined ? undefined : Math.round((own / total) * 1_000) / 1_000;
    const from = this.#zoneShare;
    this.#zoneShare = share;
    if (share === from || share === undefined) return;
    if (this.#events.active) this.#events.publish({ type: "zone-share-changed", zone, share });
  }
}

function isWeighed(backend: Backend): boolean {
  return (backend as ZonedBackend).zoneFactor > 0;
}

function firstPriority(ready: readonly Backend[]): { readonly priority: number; readonly isOnly: boolean } {
  let priority = Number.POSITIVE_INFINITY;
  let isOnly = true;
  for (const backend of ready) {
    const one = priorityOf(backend);
    if (priority !== Number.POSITIVE_INFINITY && one !== priority) isOnly = false;
    priority = Math.min(priority, one);
  }
  return { priority, isOnly };
}
