import type { ProcessHold } from "../../src/runtime/process-hold.ts";

/**
 * Counts its holders and keeps nothing alive: for tests on a manual clock. A test that fails half way leaves the runner
 * free to say so, and one that waits for ever is reported as such.
 */
export class QuietHold implements ProcessHold {
  #holders = 0;
  readonly #idleListeners = new Set<() => void>();

  get held(): boolean {
    return this.#holders > 0;
  }

  acquire(): void {
    this.#holders++;
  }

  release(): void {
    this.#holders--;
    if (this.#holders > 0) return;
    for (const listener of this.#idleListeners) listener();
  }

  onIdle(listener: () => void): () => void {
    this.#idleListeners.add(listener);
    return () => this.#idleListeners.delete(listener);
  }

  close(): void {
    this.#idleListeners.clear();
  }
}
