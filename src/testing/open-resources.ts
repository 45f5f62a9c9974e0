import { createHook } from "node:async_hooks";
import { setImmediate as nextTurn } from "node:timers/promises";

/** Sockets, servers, child processes, lookups and timers, by their names in async_hooks. */
const watched = new Set([
  "GETADDRINFOREQWRAP",
  "PIPESERVERWRAP",
  "PIPEWRAP",
  "PROCESSWRAP",
  "QUERYWRAP",
  "TCPCONNECTWRAP",
  "TCPSERVERWRAP",
  "TCPWRAP",
  "Timeout",
  "UDPWRAP",
]);

/** Sockets close asynchronously: they get a second, and on a machine where that is one turn of the loop, some turns. */
const patienceMs = 1_000;
const patienceTurns = 50;

/** Something that is open, and where it was made. */
export interface OpenResource {
  readonly type: string;
  /** Lines of the stack that made it, the innermost first. */
  readonly madeAt: readonly string[];
}

/**
 * What was opened in this process and is not closed. What is unref'd counts too: all of glink's is, and Node's own list of
 * active resources leaves it out.
 */
export class OpenResources {
  readonly #stackFrames: number;
  readonly #open = new Map<number, { readonly type: string; readonly made: Error }>();
  readonly #hook = createHook({
    init: (id, type) => {
      if (watched.has(type)) this.#open.set(id, { type, made: this.#stack() });
    },
    destroy: (id) => {
      this.#open.delete(id);
    },
  });

  /**
   * `stackFrames`: how much is remembered of where each was made. V8 keeps what a frame's function belongs to for as long as
   * nobody reads the stack, so that deep ones keep transports from being collected.
   */
  constructor(stackFrames: number) {
    this.#stackFrames = stackFrames;
  }

  /** Begins to watch. */
  start(): void {
    this.#hook.enable();
  }

  stop(): void {
    this.#hook.disable();
  }

  /** What is left of those that `counts`, once all are closed or patience is over. */
  async left(counts: (resource: OpenResource) => boolean): Promise<readonly OpenResource[]> {
    const untilMs = performance.now() + patienceMs;
    let left = this.#list(counts);
    for (let turns = 0; left.length > 0 && (turns < patienceTurns || performance.now() < untilMs); turns++) {
      await nextTurn();
      left = this.#list(counts);
    }
    return left;
  }

  #list(counts: (resource: OpenResource) => boolean): readonly OpenResource[] {
    return [...this.#open.values()]
      .map(({ type, made: { stack = "" } }) => ({
        type,
        madeAt: stack
          .split("\n")
          .slice(1)
          .map((line) => line.trim()),
      }))
      .filter(counts);
  }

  #stack(): Error {
    const { stackTraceLimit } = Error;
    Error.stackTraceLimit = this.#stackFrames;
    const made = new Error();
    Error.stackTraceLimit = stackTraceLimit;
    return made;
  }
}
