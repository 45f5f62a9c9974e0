/**
 * Calls a function of the user's whose result nobody needs. What it throws goes to `failed`, and so does the rejection
 * of a promise that it returns: nothing else would catch that, and an unhandled rejection ends the process.
 */
export function callUserCode<A extends unknown[]>(
  code: (...given: A) => unknown,
  given: A,
  failed: (error: unknown) => void,
): void {
  try {
    const result = code(...given);
    if (result instanceof Promise) result.catch(failed);
  } catch (error) {
    failed(error);
  }
}
