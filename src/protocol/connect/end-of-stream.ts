import type { Code } from "@connectrpc/connect";
import { type ConnectJsonError, isObject, parseJson, readErrorJson } from "./error-json.ts";

/** How a stream of the Connect protocol ended: its last message, which is JSON whatever the others are. */
export interface EndOfStream {
  /** Trailers: names in lower case and values in turn. */
  readonly metadata: readonly string[];
  readonly error: ConnectJsonError | undefined;
}

/** Undefined where the bytes are no end of a stream. `otherwise`: the code of an error that has none. */
export function readEndOfStream(bytes: Uint8Array, otherwise: Code): EndOfStream | undefined {
  const json = parseJson(bytes);
  if (!isObject(json)) return undefined;
  const metadata = readMetadata(json.metadata);
  if (metadata === undefined) return undefined;
  if (json.error === undefined || json.error === null) return { metadata, error: undefined };
  const error = readErrorJson(json.error, otherwise);
  return error === undefined ? undefined : { metadata, error };
}

function readMetadata(json: unknown): string[] | undefined {
  if (json === undefined) return [];
  if (!isObject(json)) return undefined;
  const fields: string[] = [];
  for (const [name, values] of Object.entries(json)) {
    if (!Array.isArray(values)) return undefined;
    for (const value of values) {
      if (typeof value !== "string") return undefined;
      fields.push(name.toLowerCase(), value);
    }
  }
  return fields;
}
