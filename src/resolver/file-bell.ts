import type { FSWatcher } from "node:fs";
import { builtinModule } from "../runtime/builtin-modules.ts";
import type { Clock } from "../runtime/clock.ts";

/** Several changes at once, and those of other files in the folder, are one. */
const coalesceMs = 20;

/** Wakes who waits for a change of a file: rung by the operating system where it tells of one, and by hand. */
export class FileBell {
  readonly #path: string;
  readonly #signal: AbortSignal;
  readonly #clock: Clock;
  #watcher: FSWatcher | undefined;
  #rung = false;
  /** Set while somebody waits. */
  #wake: (() => void) | undefined;

  /** When `signal` aborts nobody waits any longer. */
  constructor(path: string, signal: AbortSignal, clock: Clock) {
    this.#path = path;
    this.#signal = signal;
    this.#clock = clock;
    signal.addEventListener("abort", () => this.#wake?.(), { once: true });
    this.#listen();
  }

  ring(): void {
    this.#rung = true;
    this.#wake?.();
  }

  /** Resolves after `ms`, and soon after a ring, one since the last wait included: with true then. */
  async wait(ms: number): Promise<boolean> {
    this.#listen();
    if (!this.#rung) await this.#until(ms, true);
    const isRung = this.#rung;
    if (isRung) await this.sleep(coalesceMs);
    this.#rung = false;
    return isRung;
  }

  /** There was a change, and no ring: another folder may have taken the place of the one that is listened to. */
  listenAnew(): void {
    this.close();
    this.#watcher = undefined;
    this.#listen();
  }

  /** Resolves after `ms`, whatever rings. */
  sleep(ms: number): Promise<void> {
    return this.#until(ms, false);
  }

  close(): void {
    this.#watcher?.close();
  }

  #until(ms: number, untilRung: boolean): Promise<void> {
    return new Promise((resolve) => {
      const done = () => {
        this.#clock.clearTimeout(timer);
        this.#wake = undefined;
        resolve();
      };
      const timer = this.#clock.setTimeout(done, ms);
      this.#wake = () => {
        if (untilRung || this.#signal.aborted) done();
      };
      if (this.#signal.aborted) done();
    });
  }

  /** To the folder and not to the file: one that takes its name is another file. */
  #listen(): void {
    if (this.#watcher !== undefined) return;
    const { watch } = builtinModule("node:fs");
    const { dirname } = builtinModule("node:path");
    try {
      const watcher = watch(dirname(this.#path), { persistent: false }, () => this.ring());
      watcher.on("error", () => {
        watcher.close();
        this.#watcher = undefined;
      });
      this.#watcher = watcher;
    } catch {
      // No folder yet, no more watches to be had, or a file system that tells nothing: looking finds out too.
    }
  }
}
