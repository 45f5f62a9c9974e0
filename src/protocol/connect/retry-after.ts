/** RFC 9110 §10.2.3: seconds. Its other form, a date, is by the server's clock, and means nothing here. */
export function retryAfterMs(text: string | undefined): number | undefined {
  if (text === undefined || !/^\d{1,7}$/.test(text)) return undefined;
  return Number(text) * 1_000;
}
