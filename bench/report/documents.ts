import { readFileSync } from "node:fs";
import { root } from "../build.ts";
import {
  costTable,
  latencyTable,
  provenance,
  shortCostTable,
  shortProvenance,
  variantTable,
  verdictTable,
} from "./markdown.ts";
import { costPicture } from "./picture.ts";
import { loadingTable, scaleTable, targetsTable } from "./process-tables.ts";
import type { Result } from "./result.ts";

/** What is written of a result, in which document and at which mark. */
const parts: Readonly<Record<string, Readonly<Record<string, (result: Result) => string>>>> = {
  "docs/performance.md": {
    provenance,
    budgets: verdictTable,
    cost: costTable,
    variants: variantTable,
    latency: latencyTable,
    scale: scaleTable,
    targets: targetsTable,
    loading: loadingTable,
  },
  "README.md": { cost: shortCostTable, provenance: shortProvenance },
};

/** The text of every document that says what a result found, as it should be, by its path from the root. */
export function documentsOf(result: Result): Map<string, string> {
  const documents = Object.entries(parts).map(([path, writers]) => {
    const text = readFileSync(`${root}${path}`, "utf8");
    const written = Object.entries(writers).reduce((now, [mark, write]) => filled(now, mark, write(result)), text);
    return [path, written] as const;
  });
  return new Map([...documents, ["docs/images/performance.svg", costPicture(result)]]);
}

/** Puts content between `<!-- bench: mark -->` and `<!-- /bench -->`, paragraphs of their own. Throws an error where a document lacks the mark. */
export function filled(document: string, mark: string, content: string): string {
  const marked = new RegExp(`(<!-- bench: ${mark} -->\n)[^]*?(<!-- /bench -->)`);
  if (!marked.test(document)) throw new Error(`a document lacks <!-- bench: ${mark} -->`);
  return document.replace(marked, (_, open: string, close: string) => `${open}\n${content}\n\n${close}`);
}
