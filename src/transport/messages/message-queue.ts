/** Taken places are given up when there are so many, and as many as there are messages. */
const compactFrom = 256;

/** Received messages in order: two arrays and no object for each, because a stream may bring a million a second. */
export class MessageQueue {
  readonly #flags: number[] = [];
  readonly #payloads: Uint8Array[] = [];
  #first = 0;

  get isEmpty(): boolean {
    return this.#first === this.#payloads.length;
  }

  /** The next message; not of an empty queue. */
  get flag(): number {
    return this.#flags[this.#first] as number;
  }

  get payload(): Uint8Array {
    return this.#payloads[this.#first] as Uint8Array;
  }

  push(flag: number, payload: Uint8Array): void {
    this.#flags.push(flag);
    this.#payloads.push(payload);
  }

  /** Lets the next message go. */
  shift(): void {
    this.#payloads[this.#first++] = taken;
    if (this.#first === this.#payloads.length) this.clear();
    else if (this.#first >= compactFrom && this.#first * 2 >= this.#payloads.length) this.#compact();
  }

  clear(): void {
    this.#flags.length = 0;
    this.#payloads.length = 0;
    this.#first = 0;
  }

  #compact(): void {
    this.#flags.splice(0, this.#first);
    this.#payloads.splice(0, this.#first);
    this.#first = 0;
  }
}

/** In the place of a message that is gone, so that its bytes can go too. */
const taken = new Uint8Array(0);
