import type { HeaderFields } from "../../http2/connection.ts";
import { noFields } from "../metadata.ts";

/** How the trailers of a unary response are told apart from the headers that they travel among. */
const prefix = "trailer-";

/** The headers of a unary response, and its trailers. */
export function splitTrailers(fields: HeaderFields): readonly [headers: HeaderFields, trailers: HeaderFields] {
  if (!fields.some((text, i) => i % 2 === 0 && text.startsWith(prefix))) return [fields, noFields];
  const headers: string[] = [];
  const trailers: string[] = [];
  for (let i = 0; i + 1 < fields.length; i += 2) {
    const name = fields[i] as string;
    const value = fields[i + 1] as string;
    if (name.startsWith(prefix)) trailers.push(name.slice(prefix.length), value);
    else headers.push(name, value);
  }
  return [headers, trailers];
}
