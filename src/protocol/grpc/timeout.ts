/** gRPC's units, smallest first: the letter and its milliseconds. */
const units = [
  ["m", 1],
  ["S", 1_000],
  ["M", 60_000],
  ["H", 3_600_000],
] as const;

/** TimeoutValue has at most 8 digits (PROTOCOL-HTTP2.md). */
const largestValue = 99_999_999;

/**
 * The value of `grpc-timeout` for the time that is left. Rounded up, so that the server's deadline is never before our
 * own, and at least 1 ms: a call that is already late is not sent.
 */
export function timeoutHeader(remainingMs: number): string {
  for (const [letter, ms] of units) {
    const value = Math.max(1, Math.ceil(remainingMs / ms));
    if (value <= largestValue) return `${value}${letter}`;
  }
  return `${largestValue}H`;
}
