/**
 * Tells a caller's iterator that its call is over, as Connect tells it: `throw` with the error if there was one, and
 * `return` always, because not every `throw` cleans up. What it answers, or throws, is its own caller's affair.
 */
export function tellEnded(iterator: AsyncIterator<unknown>, error: unknown): void {
  if (error !== undefined) tell(() => iterator.throw?.(error));
  tell(() => iterator.return?.());
}

function tell(call: () => Promise<unknown> | undefined): void {
  try {
    call()?.then(undefined, () => undefined);
  } catch {
    // As above: an iterator may throw where it should reject.
  }
}
