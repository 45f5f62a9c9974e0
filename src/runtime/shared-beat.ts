/**
 * How long to wait, from `nowMs` on, for who looks at something about every `stepMs`: from half of that to all of it, so that
 * whoever has the same step waits for the same moment. Thousands of watches thus wake the process a time or two for each step.
 */
export function sharedBeatMs(nowMs: number, stepMs: number): number {
  const halfStepMs = stepMs / 2;
  const dueMs = Math.floor((nowMs + stepMs) / halfStepMs) * halfStepMs;
  return dueMs > nowMs ? dueMs - nowMs : stepMs;
}
