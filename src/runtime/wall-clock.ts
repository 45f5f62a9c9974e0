/** Milliseconds since 1970, as people and other machines have the time. It may jump: what is waited for is measured by a Clock. */
export function wallClockMs(): number {
  return Date.now();
}
