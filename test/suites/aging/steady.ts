import { setTimeout as sleep } from "node:timers/promises";

/**
 * Starts `count` calls at a steady rate, by the clock and not by each other's end, and waits for all of them. Resolves
 * with what went wrong.
 */
export async function steadily(
  count: number,
  perSecond: number,
  call: (index: number) => Promise<unknown>,
): Promise<unknown[]> {
  const errors: unknown[] = [];
  const calls: Promise<unknown>[] = [];
  const begunMs = performance.now();
  while (calls.length < count) {
    const due = Math.min(count, Math.ceil(((performance.now() - begunMs) * perSecond) / 1_000));
    while (calls.length < due) calls.push(call(calls.length).catch((error: unknown) => errors.push(error)));
    await sleep(2);
  }
  await Promise.all(calls);
  return errors;
}
