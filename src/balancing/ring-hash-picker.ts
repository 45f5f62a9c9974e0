import type { Failure } from "../base/errors.ts";
import { Xxh64 } from "../base/xxh64.ts";
import { inBackground } from "../runtime/background.ts";
import type { Backend } from "../subchannel/backend.ts";
import type { Dice } from "./dice.ts";
import type { HashRing } from "./hash-ring.ts";
import type { Drop, Pick, Picker, PickInfo } from "./picker.ts";

/** A backend with entries on the ring. */
export interface RingBackend {
  readonly backend: Backend;
  /** It is connected, and not left out because others are the better choice. */
  mayServe: boolean;
}

/** What a {@link RingHashPicker} picks with. */
export interface RingHashPickerOptions {
  readonly ring: HashRing;
  /** By the ring's indices. */
  readonly members: readonly RingBackend[];
  readonly keyOf: (info: PickInfo) => string | undefined;
  readonly dice: Dice;
  /** Picks once all have failed. */
  readonly unreachable: Picker;
}

/** Walks the ring from where a call's key falls. */
export class RingHashPicker implements Picker {
  readonly #ring: HashRing;
  readonly #members: readonly RingBackend[];
  readonly #keyOf: (info: PickInfo) => string | undefined;
  readonly #dice: Dice;
  readonly #unreachable: Picker;
  readonly #hash = new Xxh64();
  /** Nobody had room, and nobody has said since that it has some: thousands of waiting calls do not walk the ring. */
  #isFull = false;

  constructor({ ring, members, keyOf, dice, unreachable }: RingHashPickerOptions) {
    this.#ring = ring;
    this.#members = members;
    this.#keyOf = keyOf;
    this.#dice = dice;
    this.#unreachable = unreachable;
  }

  pick(info: PickInfo): Pick | "queue" | Failure | Drop {
    if (this.#isFull) return "queue";
    const key = info.hashKey ?? this.#keyOf(info);
    if (key === undefined) return this.#pickAny(info);
    if (typeof key !== "string") throw new TypeError("the key of ringHash is a text or undefined");
    this.#hash.hash(key);
    return this.#pickFrom(this.#ring.entryOf(this.#hash.hi, this.#hash.lo), info);
  }

  roomAgain(): void {
    this.#isFull = false;
  }

  /** The first from the entry on that works, or may: whoever is being dialled is waited for (gRFC A42, A61). */
  #pickFrom(start: number, info: PickInfo): Pick | "queue" | Failure | Drop {
    const { owners, size } = this.#ring;
    const { tried } = info;
    let fallback: Backend | undefined;
    let anyFull = false;
    for (let step = 0, entry = start; step < size; step++, entry++) {
      if (entry === size) entry = 0;
      const { backend, mayServe } = this.#members[owners[entry] as number] as RingBackend;
      const wasTried = tried.length > 0 && tried.includes(backend);
      if (mayServe && backend.state === "ready") {
        if (!backend.hasRoom) anyFull = true;
        else if (!wasTried) return backend;
        else fallback ??= backend;
      } else if (mayBecomeReady(backend)) {
        if (backend.state === "idle") dial(backend);
        if (!wasTried) return "queue";
      }
    }
    if (fallback !== undefined) return fallback;
    if (!anyFull) return this.#unreachable.pick(info);
    this.#isFull = true;
    return "queue";
  }

  /** Without a key: any that works, from a random place on. None is waited for while one works (gRFC A76). */
  #pickAny(info: PickInfo): Pick | "queue" | Failure | Drop {
    const { owners, size } = this.#ring;
    const start = this.#dice.below(size);
    for (let step = 0; step < size; step++) {
      const { backend, mayServe } = this.#members[owners[(start + step) % size] as number] as RingBackend;
      if (mayServe && backend.hasRoom && !info.tried.includes(backend)) return backend;
    }
    return this.#pickFrom(start, info);
  }
}

/** One that failed counts as failed until it is ready, though it is dialled again. */
function mayBecomeReady({ state, lastFailure }: Backend): boolean {
  return (state === "idle" || state === "connecting") && lastFailure === undefined;
}

/** For whoever comes, and not for this call alone: in no call's async context. */
function dial(backend: Backend): void {
  inBackground(() => backend.connect());
}
