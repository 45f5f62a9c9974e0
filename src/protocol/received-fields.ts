import type { HeaderFields } from "../http2/connection.ts";

/** The first value of a field, or undefined. */
export function fieldOf(fields: HeaderFields, name: string): string | undefined {
  for (let i = 0; i < fields.length; i += 2) if (fields[i] === name) return fields[i + 1];
  return undefined;
}
