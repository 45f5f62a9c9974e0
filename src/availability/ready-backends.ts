import type { Backend } from "../subchannel/backend.ts";

/** Backends of one availability. */
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

/**
 * The backends that calls may go to: those that are connected and usable; all that are connected while none of them is
 * usable, for calls must go somewhere. Policies are given these, so that none has to know why another is left out.
 *
 * A change costs what has changed and one copy of the list, for ten thousand backends may connect one by one.
 */
export class ReadyBackends {
  readonly #entries = new Map<Backend, Entry>();
  readonly #usable = new Group();
  readonly #suspects = new Group();
  #serving = this.#suspects;
  #list: readonly Backend[] = [];

  /** In the order in which they became ready. The same array until it changes. */
  get list(): readonly Backend[] {
    return this.#list;
  }

  /** Whether one of the list takes one more call. */
  get anyRoom(): boolean {
    return this.#serving.withRoom > 0;
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
    const serving = this.#usable.members.length > 0 ? this.#usable : this.#suspects;
    if (serving === this.#serving && !came.has(serving) && !left.has(serving)) return;
    this.#serving = serving;
    this.#list = [...serving.members];
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
    return entry.hasRoom && group === this.#serving;
  }

  #groupOf({ state, availability }: Backend): Group | undefined {
    if (state !== "ready") return undefined;
    return availability === "usable" ? this.#usable : this.#suspects;
  }
}
