import { describeValue } from "../base/check.ts";
import { checkField, isOwned } from "../protocol/metadata.ts";

const noNames: ReadonlySet<string> = new Set();

/** Throws an error that says what is wrong with a pick's metadata, which may be the user's own, before it meets a connection. */
export function checkPickMetadata(metadata: unknown): void {
  if (!Array.isArray(metadata) || metadata.length % 2 !== 0) {
    const given = Array.isArray(metadata) ? `an array of ${metadata.length}` : describeValue(metadata);
    throw new TypeError(`the metadata of a pick is an array of names and values in turn, not ${given}`);
  }
  for (let i = 0; i < metadata.length; i += 2) {
    const [name, value]: unknown[] = [metadata[i], metadata[i + 1]];
    if (typeof name !== "string" || typeof value !== "string") {
      const given = `${describeValue(name)} and ${describeValue(value)}`;
      throw new TypeError(`names and values of a pick's metadata are strings, not ${given}`);
    }
    checkField(name, value);
    if (name !== name.toLowerCase() || isOwned(name, noNames)) {
      throw new TypeError(`the metadata of a pick has names in lower case that HTTP/2 leaves to it, not "${name}"`);
    }
  }
}
