import type { Instrumentation } from "../../../src/index.ts";

/** Books of calls and attempts: each that begins ends, and once. */
export class Accountant {
  #open = 0;
  #endedAgain = 0;

  readonly instrumentation: Instrumentation = {
    callStarted: () => ({ ...this.#follow(), attemptStarted: () => this.#follow() }),
  };

  /** What is wrong with the books, once there is no call. */
  discrepancies(): string[] {
    const texts: string[] = [];
    if (this.#open > 0) texts.push(`${this.#open} calls or attempts never ended for the instrumentation`);
    if (this.#endedAgain > 0) texts.push(`${this.#endedAgain} ended twice for the instrumentation`);
    return texts;
  }

  #follow(): { ended(): void } {
    this.#open++;
    let isOver = false;
    return {
      ended: () => {
        if (isOver) this.#endedAgain++;
        else this.#open--;
        isOver = true;
      },
    };
  }
}
