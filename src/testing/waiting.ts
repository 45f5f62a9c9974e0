import { checkFields, checkNumber } from "./check.ts";

/** How long a test waits for what should happen. */
export interface WaitingOptions {
  /**
   * After this many milliseconds of real time the wait is given up, with an error that says what was waited for. Default
   * 4 000, which is before Jest's and Vitest's own patience ends; 1 to 2 147 483 647.
   */
  readonly timeoutMs?: number;
}

/** As they were when this module was loaded: a runner's fake timers would not let anybody wait. */
const { setTimeout, clearTimeout } = globalThis;

const defaultTimeoutMs = 4_000;

/** A process that is held up, on a machine that does much else, must not lose its time in one piece: it would give up what is coming. */
const pieces = 20;

/**
 * Waits for what somebody else brings about: `begin` is handed the function that takes it, and one that takes why it
 * cannot come, and returns the one that ends the wait. What is waited for is put into words only where it did not come.
 */
export function waitFor<T>(
  options: WaitingOptions,
  describe: () => string,
  begin: (resolve: (value: T) => void, reject: (error: unknown) => void) => () => void,
): Promise<T> {
  const { timeoutMs = defaultTimeoutMs } = checkFields("the options of a wait", options, ["timeoutMs"]);
  checkNumber("timeoutMs", timeoutMs, { min: 1, max: 2 ** 31 - 1 });
  return new Promise((resolve, reject) => {
    let timer: NodeJS.Timeout | undefined;
    const end = begin(
      (value) => {
        clearTimeout(timer);
        resolve(value);
      },
      (error) => {
        clearTimeout(timer);
        reject(error);
      },
    );
    const wait = (left: number) => {
      if (left === 0) {
        end();
        reject(new Error(`${describe()} within ${timeoutMs} ms`));
        return;
      }
      timer = setTimeout(() => wait(left - 1), timeoutMs / pieces);
    };
    wait(pieces);
  });
}
