import type { Availability } from "../base/availability.ts";
import type { Backend } from "../subchannel/backend.ts";

/** Connected backends of one availability. */
class Group {
  members: Backend[] = [];
  /** How many of them have room. */
  withRoom = 0;
}

/** What one connected backend was when it was last looked at. */
interface Entry {
  readonly group: Group;
  hasRoom: boolean;
}

/** How the connected backends stand when panic begins or ends. */
export interface PanicFacts {
  readonly connected: number;
  /** Neither unhealthy nor ejected. */
  readonly usable: number;
}

const emptyList: readonly Backend[] = [];

/** Told by the choice of backends. */
export interface ReadyBackendsListener {
  onPanicBegan(facts: PanicFacts): void;
  onPanicEnded(facts: PanicFacts): void;
}

/**
 * The backends that calls may go to: those that are connected and usable. Policies are given these, so that none has to
 * know why another is left out. Two exceptions, for calls must go somewhere:
 * - panic: when so many are unhealthy or ejected that the rest would have to carry too much, that judgement may be what is
 *   wrong, and it is not heeded. A suspect is still passed over, because it does not answer at all;
 * - when none is usable, all that are connected are used.
 *
 * A change costs what has changed and one copy of the list, for ten thousand backends may connect one by one.
 */
export class ReadyBackends {
  readonly #panicThreshold: number;
  readonly #listener: ReadyBackendsListener;
  readonly #isAwaited: (backend: Backend) => boolean;
  readonly #entries = new Map<Backend, Entry>();
  readonly #groups: Readonly<Record<Availability, Group>> = {
    usable: new Group(),
    suspect: new Group(),
    unhealthy: new Group(),
    ejected: new Group(),
  };
  #serving: readonly Group[] = [];
  #list: readonly Backend[] = [];
  #panics = false;

  /**
   * `panicThreshold`: the share of connected backends, below which panic begins. `isAwaited`: nothing is known yet of a
   * backend that is connected, and until then it counts as if it were not.
   */
  constructor(
    panicThreshold: number,
    listener: ReadyBackendsListener,
    isAwaited: (backend: Backend) => boolean = () => false,
  ) {
    this.#panicThreshold = panicThreshold;
    this.#listener = listener;
    this.#isAwaited = isAwaited;
  }

  /** Those of one availability in the order in which they came to it. The same array until it changes. */
  get list(): readonly Backend[] {
    return this.#list;
  }

  /** Whether one of the list takes one more call. */
  get anyRoom(): boolean {
    return this.#serving.some(({ withRoom }) => withRoom > 0);
  }

  /** Whether calls go to all, because too few are usable. */
  get panics(): boolean {
    return this.#panics;
  }

  /** Whether usable ones are left without this one, and enough of them that there is no panic. */
  canSpare(backend: Backend): boolean {
    const { usable } = this.#groups;
    const left = usable.members.length - (this.#entries.get(backend)?.group === usable ? 1 : 0);
    return left > 0 && left / this.#entries.size >= this.#panicThreshold;
  }

  /** Takes in backends whose state or availability may have changed. */
  update(changed: Iterable<Backend>): void {
    const came = new Set<Group>();
    const left = new Set<Group>();
    for (const backend of changed) {
      const before = this.#entries.get(backend);
      const group = this.#groupOf(backend);
      if (before?.group !== group) {
        if (before !== undefined) {
          if (before.hasRoom) before.group.withRoom--;
          this.#entries.delete(backend);
          left.add(before.group);
        }
        if (group !== undefined) {
          this.#entries.set(backend, { group, hasRoom: false });
          group.members.push(backend);
          came.add(group);
        }
      }
      this.roomChanged(backend);
    }
    // One pass for all that left: to search for each would cost the square of their number.
    for (const group of left) {
      group.members = group.members.filter((backend) => this.#entries.get(backend)?.group === group);
    }
    const serving = this.#choose();
    const isSame = serving.length === this.#serving.length && serving.every((group) => this.#serving.includes(group));
    if (isSame && !serving.some((group) => came.has(group) || left.has(group))) return;
    this.#serving = serving;
    // Not flatMap, which takes a hundred times as long for thousands.
    this.#list = emptyList.concat(...serving.map(({ members }) => members));
  }

  /** The backend has become full, or has room again. Returns whether it is one of the list and has room. */
  roomChanged(backend: Backend): boolean {
    const entry = this.#entries.get(backend);
    if (entry === undefined) return false;
    const { group } = entry;
    if (entry.hasRoom !== backend.hasRoom) {
      entry.hasRoom = backend.hasRoom;
      group.withRoom += entry.hasRoom ? 1 : -1;
    }
    return entry.hasRoom && this.#serving.includes(group);
  }

  #choose(): readonly Group[] {
    const { usable, suspect, unhealthy, ejected } = this.#groups;
    const leftOut = unhealthy.members.length + ejected.members.length;
    const connected = this.#entries.size;
    const heeded = connected - leftOut;
    this.#panic(leftOut > 0 && (heeded === 0 || heeded / connected < this.#panicThreshold), heeded);
    if (this.#panics) return [usable, unhealthy, ejected];
    return usable.members.length > 0 ? [usable] : [suspect, unhealthy, ejected];
  }

  #panic(panics: boolean, usable: number): void {
    if (panics === this.#panics) return;
    this.#panics = panics;
    const facts = { connected: this.#entries.size, usable };
    if (panics) this.#listener.onPanicBegan(facts);
    else this.#listener.onPanicEnded(facts);
  }

  #groupOf(backend: Backend): Group | undefined {
    if (backend.state !== "ready" || this.#isAwaited(backend)) return undefined;
    return this.#groups[backend.availability];
  }
}
