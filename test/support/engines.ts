import { describeValue } from "../../src/base/check.ts";

/** The HTTP/2 engines, as the transport's option `http2` names them. */
export const engineNames = ["node", "wire"] as const;
export type EngineName = (typeof engineNames)[number];

/** The engines that the arguments of this program choose: `--engine node|wire|both`. */
export function chosenEngines(fallback: EngineName | "both"): readonly EngineName[] {
  const index = process.argv.indexOf("--engine");
  const wanted = index === -1 ? fallback : process.argv[index + 1];
  const chosen = engineNames.filter((name) => wanted === "both" || wanted === name);
  if (chosen.length === 0) throw new Error(`--engine is ${describeValue(wanted)}: use node, wire or both`);
  return chosen;
}
