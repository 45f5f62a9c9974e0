/** What all calls of one transport keep for another attempt, together: many calls within their own limit are much. */
export class ReplayMemory {
  readonly #maxBytes: number;
  #bytes = 0;

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  /** False, and nothing is counted: so much more does not fit. */
  keep(bytes: number): boolean {
    if (this.#bytes + bytes > this.#maxBytes) return false;
    this.#bytes += bytes;
    return true;
  }

  /** So much of what was kept is gone. */
  letGo(bytes: number): void {
    this.#bytes -= bytes;
  }
}
