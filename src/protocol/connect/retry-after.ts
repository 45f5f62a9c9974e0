/**
 * The wait that `Retry-After` asks for (RFC 9110 §10.2.3), in seconds on the wire. Its other form, a date, is by the
 * server's clock, and asks for nothing here. "stop": a wait that no timer holds.
 */
export function retryAfterMs(text: string | undefined): number | "stop" | undefined {
  if (text === undefined || !/^\d+$/.test(text)) return undefined;
  const ms = Number(text) * 1_000;
  return ms < 2 ** 31 ? ms : "stop";
}
