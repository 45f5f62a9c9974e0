import { queueMicrotask } from "../runtime/microtask.ts";

/** What a peer said last, told once it has no more to say for now: it may send thousands of words at once. */
export class LastWord<T> {
  readonly #onWord: (word: T) => void;
  #word: T | undefined;

  constructor(onWord: (word: T) => void) {
    this.#onWord = onWord;
  }

  say(word: T): void {
    const isDue = this.#word !== undefined;
    this.#word = word;
    if (!isDue) queueMicrotask(() => this.#tell());
  }

  /** What was not told yet counts for nothing. */
  takeBack(): void {
    this.#word = undefined;
  }

  #tell(): void {
    const word = this.#word;
    this.#word = undefined;
    if (word !== undefined) this.#onWord(word);
  }
}
