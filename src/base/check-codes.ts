import { Code } from "@connectrpc/connect";
import { describeValue } from "./check.ts";

/** Returns a copy of the status codes, or throws an error that names the option. */
export function checkCodes(name: string, codes: readonly Code[]): readonly Code[] {
  if (!Array.isArray(codes)) throw new TypeError(`${name} must be an array of Code, not ${describeValue(codes)}`);
  for (const code of codes) {
    if (typeof code !== "number" || !(code in Code)) {
      throw new RangeError(`${name} must hold values of Code (1 to 16), not ${describeValue(code)}`);
    }
  }
  return Object.freeze([...codes]);
}
