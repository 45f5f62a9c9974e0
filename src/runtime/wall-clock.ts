/** Milliseconds since 1970, for points in time that others name so. What lasts is measured by a `Clock`. */
export function wallClockMs(): number {
  return Date.now();
}
