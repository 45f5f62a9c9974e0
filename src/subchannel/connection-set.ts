import type { LiveConnection } from "./live-connection.ts";

/** The connections of one backend that are in service: one, or several that share its calls. */
export class ConnectionSet {
  readonly #spread: number;
  #list: readonly LiveConnection[] = [];

  /** `spread`: so many share the calls, and what there is beyond is for what they do not take. */
  constructor(spread: number) {
    this.#spread = spread;
  }

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

  /**
   * The connection for the next call: of those that share the calls that with the fewest, and else the eldest with room
   * (gRFC A105). One that is not usable only where none is.
   */
  get withRoom(): LiveConnection | undefined {
    let best: LiveConnection | undefined;
    let position = 0;
    for (const live of this.#list) {
      const shares = position++ < this.#spread;
      if (live.hasRoom && (best === undefined || isBetter(live, best, shares))) best = live;
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

/** `other` is the elder. */
function isBetter(one: LiveConnection, other: LiveConnection, shares: boolean): boolean {
  if (one.availability !== other.availability) return one.availability === "usable";
  if (!shares) return false;
  // Without open calls too each has its turn: one that has none would be closed as idle.
  return one.openCalls === other.openCalls ? one.calls < other.calls : one.openCalls < other.openCalls;
}
