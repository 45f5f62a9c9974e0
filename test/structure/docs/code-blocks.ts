import { readFileSync } from "node:fs";

/** The code blocks of a document that say they are of this language, in order. */
export function codeBlocks(path: string, language: string): string[] {
  const blocks = readFileSync(path, "utf8").matchAll(new RegExp(`^\`\`\`${language}\\n(.*?)^\`\`\``, "gms"));
  return Array.from(blocks, ([, code = ""]) => code);
}
