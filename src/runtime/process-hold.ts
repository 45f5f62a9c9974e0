import { inBackground } from "./background.ts";

/**
 * Keeps the process alive while there is something to wait for, and only then. Sockets and timers of glink are all
 * unref'd; each open call and each pending `ready()` holds this instead, so one handle decides.
 */
export interface ProcessHold {
  /** True while a call or a `ready()` is open. */
  readonly held: boolean;
  /** One more that waits for something. Each is to `release` once. */
  acquire(): void;
  /** One of those that acquired it waits no longer. */
  release(): void;
  /**
   * Calls `listener` each time the last holder lets go, until the returned function is called. For work that keeps the
   * process alive by itself (a pending TCP connect, a c-ares query) and should be given up soon after.
   */
  onIdle(listener: () => void): () => void;
  /** The transport was closed: frees the handle. Nothing may acquire the hold afterwards. */
  close(): void;
}

class SystemHold implements ProcessHold {
  #holders = 0;
  #handle: NodeJS.Timeout | undefined;
  readonly #idleListeners = new Set<() => void>();

  get held(): boolean {
    return this.#holders > 0;
  }

  acquire(): void {
    this.#holders++;
    if (this.#holders > 1) return;
    // One timer for the life of the hold: ref() and unref() cost far less than making a handle for each call.
    if (this.#handle === undefined) this.#handle = inBackground(() => setInterval(() => undefined, 2 ** 30));
    else this.#handle.ref();
  }

  release(): void {
    this.#holders--;
    if (this.#holders > 0) return;
    this.#handle?.unref();
    for (const listener of this.#idleListeners) inBackground(listener);
  }

  onIdle(listener: () => void): () => void {
    this.#idleListeners.add(listener);
    return () => this.#idleListeners.delete(listener);
  }

  close(): void {
    clearInterval(this.#handle);
    this.#handle = undefined;
    this.#idleListeners.clear();
  }
}

/** Holds this process, by one timer. */
export function systemHold(): ProcessHold {
  return new SystemHold();
}
