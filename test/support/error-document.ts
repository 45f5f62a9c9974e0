import { readdirSync, readFileSync } from "node:fs";

const document = readFileSync("docs/errors.md", "utf8");

/** What docs/errors.md quotes of the messages of one kind; none: they are somebody else's. */
export function quotedMessages(kind: string): string[] {
  const [, told = ""] = new RegExp(`^### ${kind}\\n\\n(.+?)\\n\\n`, "ms").exec(document) ?? [];
  return Array.from(told.replaceAll(/\s+/g, " ").matchAll(/"([^"]+)"/g), ([, text = ""]) => text);
}

/** Whether a message begins with what is quoted, "…" being anything. */
export function beginsWith(message: string, quoted: string): boolean {
  return new RegExp(`^${partsOf(quoted).join(".+")}`).test(message);
}

/** Whether the sources have what is quoted as one text, "…" being what they put into it. */
export function isInSources(quoted: string): boolean {
  const written = new RegExp(partsOf(quoted).join("\\$\\{.+"));
  return sources.some((text) => written.test(text));
}

const sources = readdirSync("src", { recursive: true, encoding: "utf8" })
  .filter((name) => name.endsWith(".ts"))
  .map((name) => readFileSync(`src/${name}`, "utf8"));

function partsOf(quoted: string): string[] {
  const literal = quoted.replace(/:? ?…$/, "").split("…");
  return literal.map((part) => part.replaceAll(/[[\]().*+?^$|{}\\]/g, "\\$&"));
}
