import type { LiveConnection } from "./live-connection.ts";

/** The connections of one backend that are in service: one, or several that share its calls. */
export class ConnectionSet {
  #list: readonly LiveConnection[] = [];

  /** The eldest first. The same array until it changes. */
  get list(): readonly LiveConnection[] {
    return this.#list;
  }

  get isEmpty(): boolean {
    return this.#list.length === 0;
  }

  get hasRoom(): boolean {
    for (const live of this.#list) if (live.hasRoom) return true;
    return false;
  }

  /** The connection for the next call: of the usable ones that with the fewest calls, and a suspect only where none is usable. */
  get withRoom(): LiveConnection | undefined {
    let best: LiveConnection | undefined;
    for (const live of this.#list) {
      if (live.hasRoom && (best === undefined || isBetter(live, best))) best = live;
    }
    return best;
  }

  get openCalls(): number {
    let openCalls = 0;
    for (const live of this.#list) openCalls += live.openCalls;
    return openCalls;
  }

  has(live: LiveConnection): boolean {
    return this.#list.includes(live);
  }

  /** Whether another one than `live` has room. */
  hasRoomBeside(live: LiveConnection): boolean {
    return this.#list.some((other) => other !== live && other.hasRoom);
  }

  add(live: LiveConnection): void {
    this.#list = [...this.#list, live];
  }

  remove(live: LiveConnection): void {
    this.#list = this.#list.filter((other) => other !== live);
  }
}

function isBetter(one: LiveConnection, other: LiveConnection): boolean {
  if (one.availability !== other.availability) return one.availability === "usable";
  return one.openCalls < other.openCalls;
}
