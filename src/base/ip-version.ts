import { builtinModule } from "../runtime/builtin-modules.ts";

/**
 * Which version of IP an address is of, 4 or 6; 0: it is none, as `isIP` of `node:net` has it. That module, which takes
 * milliseconds to load, is asked only for what looks like an address, and no name does.
 */
export function ipVersion(text: string): number {
  return /^[\d.]+$|:/.test(text) ? builtinModule("node:net").isIP(text) : 0;
}
