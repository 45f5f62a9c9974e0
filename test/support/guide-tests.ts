import { readFileSync } from "node:fs";
import { join } from "node:path";
import { transformSync } from "esbuild";
import { codeBlocks } from "../structure/docs/code-blocks.ts";

const guide = join(import.meta.dirname, "../../docs/testing.md");

/** What the guide says that a runner has in the place of node:test's `test`. */
const imports = {
  "node:test": 'import { test } from "node:test";\n',
  vitest: 'import { test } from "vitest";\n',
  jest: "",
};

/** What the guide has Jest do first. */
const jestFirst = 'Symbol.asyncDispose ??= Symbol.for("asyncDispose");';

/** The tests of docs/testing.md, each a module in JavaScript for one runner. Throws where the guide does not say what it needs. */
export function guideTests(runner: keyof typeof imports, format: "esm" | "cjs"): readonly string[] {
  const text = readFileSync(guide, "utf8");
  if (!text.includes(`\`${imports.vitest.trim()}\``))
    throw new Error("the guide does not say what to import for Vitest");
  if (!text.includes(`\`${jestFirst}\``)) throw new Error("the guide does not say what Jest needs first");
  const first = runner === "jest" ? `${jestFirst}\n` : "";
  return codeBlocks(guide, "ts")
    .filter((block) => block.includes(imports["node:test"]))
    .map((block) => block.replace(imports["node:test"], imports[runner]))
    .map((block) => transformSync(block, { loader: "ts", format, target: "node20" }).code)
    .map((code) => first + code);
}
