import type { Clock } from "../runtime/clock.ts";

/**
 * Whoever awaits the outcome of a call or of a read. It is rejected with an error whose stack goes on to the awaiting
 * code, `at async …`, as after an `await` that throws.
 *
 * V8 adds such lines to a stack that is taken within a reaction of a promise: from there it follows the chain of
 * promises, as long as each has one reaction, and that is an await, a `then`, or the own resolve function of the next
 * promise. A call fails in an event of a socket or a timer, where no such chain begins, so {@link reject} begins one. A
 * call that succeeds pays nothing for it.
 */
export class Caller<T> {
  readonly promise: Promise<T>;
  /** The promise's own resolve function, and not one around it: so the chain goes on. */
  resolve!: (value: T) => void;
  readonly #mayLetGo: boolean;
  #reject!: (error: unknown) => void;

  /** `mayLetGo`: nobody may be left to hear of a rejection, which then must not end the process. */
  constructor(mayLetGo = false) {
    this.#mayLetGo = mayLetGo;
    this.promise = new Promise((resolve, reject) => {
      this.resolve = resolve;
      this.#reject = reject;
    });
  }

  /**
   * As `reject`, once input and timers have had their turn. A call can fail in the turn it began in, and a caller may try
   * again at once, for ever: nothing else would run in the process any more, and whatever the calls fail of would never
   * be mended.
   */
  rejectLater(clock: Clock, thrown: () => unknown): void {
    clock.afterInput(() => this.reject(thrown));
  }

  /** In a later microtask. There `thrown` gives the error: see {@link tracedWhenThrown}. */
  reject(thrown: () => unknown): void {
    const failing = Promise.resolve().then((): T => {
      const error = thrown();
      // Not before: a second reaction would end the chain.
      if (this.#mayLetGo) this.promise.catch(() => undefined);
      throw error;
    });
    failing.then(this.resolve, this.#reject);
  }
}

/**
 * An error on its way to whoever throws it: the function returns it, the first time with the stack of that moment. An
 * error that is the user's `own` keeps the stack it has.
 */
export function tracedWhenThrown<E extends Error>(error: E, own?: Error): () => E {
  let isTraced = error === own;
  return function thrown() {
    if (!isTraced) Error.captureStackTrace(error, thrown);
    isTraced = true;
    return error;
  };
}

/** The promise of a call that failed before it had one. It settles as late as {@link Caller.rejectLater} does. */
export function rejectedLater(clock: Clock, error: Error): Promise<never> {
  return new Promise((_, reject) => clock.afterInput(() => reject(error)));
}
