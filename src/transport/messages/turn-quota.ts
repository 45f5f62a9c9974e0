import type { Clock } from "../../runtime/clock.ts";
import { queueMicrotask } from "../../runtime/microtask.ts";

/** What may be sent in a turn: little enough that its writing is not noticed, and enough that turns cost little. */
const turnBytes = 262_144;

/** How long the callers' code may take in a turn to make messages. */
const turnMs = 4;

/** What a small message costs beside its bytes. */
const overheadBytes = 64;

/** The most messages between two looks at the clock. */
const mostUnseen = 16;

/**
 * How much the request streams of one transport may do in a turn of the event loop, all of them together. A caller whose
 * next message is always there would otherwise go on for as long as its peer's window lasts, in microtasks: no input
 * would be read meanwhile, and no deadline noticed.
 */
export class TurnQuota {
  readonly #clock: Clock;
  readonly #waiting: (() => void)[] = [];
  #sinceMs: number;
  #remainingBytes = turnBytes;
  /** Messages until the clock is looked at, and from then until the next look. */
  #unseen = 1;
  #nextUnseen = 1;
  #isSpent = false;
  #isScheduled = false;

  constructor(clock: Clock) {
    this.#clock = clock;
    this.#sinceMs = clock.now();
  }

  /** A message is about to be sent. */
  spend(bytes: number): void {
    this.#remainingBytes -= bytes + overheadBytes;
    if (--this.#unseen === 0 || this.#remainingBytes <= 0) this.#look();
  }

  #look(): void {
    // Ahead of the write at the end of this turn, which then also takes what is sent by those who wait.
    this.#schedule();
    if (this.#remainingBytes <= 0 || this.#clock.now() - this.#sinceMs >= turnMs) this.#isSpent = true;
    // A look costs as much as a tenth of a small message.
    this.#unseen = this.#nextUnseen;
    this.#nextUnseen = Math.min(2 * this.#nextUnseen, mostUnseen);
  }

  /** True: whoever wants to send more waits for another turn. A stream that comes after a rest may have to do so too. */
  get isSpent(): boolean {
    return this.#isSpent;
  }

  /** Runs `goOn` in a turn that has something left, after input was read. Who waits longer is first. */
  wait(goOn: () => void): void {
    this.#waiting.push(goOn);
    this.#schedule();
  }

  #schedule(): void {
    if (this.#isScheduled) return;
    this.#isScheduled = true;
    this.#clock.afterInput(this.#begin);
  }

  /** After each turn in which something was sent: else a quota would be spent in the midst of a turn far from full. */
  readonly #begin = (): void => {
    this.#isScheduled = false;
    this.#remainingBytes = turnBytes;
    this.#unseen = 1;
    this.#nextUnseen = 1;
    this.#isSpent = false;
    this.#sinceMs = this.#clock.now();
    this.#serve();
  };

  /** One by one, each in a microtask of its own: those who go on spend something before the next is asked. */
  readonly #serve = (): void => {
    if (this.#waiting.length === 0) return;
    if (this.isSpent) {
      this.#schedule();
    } else {
      this.#waiting.shift()?.();
      queueMicrotask(this.#serve);
    }
  };
}
