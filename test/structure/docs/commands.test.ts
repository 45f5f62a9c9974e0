import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { test } from "node:test";
import { root } from "../source-tree.ts";
import { codeBlocks } from "./code-blocks.ts";
import { documents } from "./documents.ts";

interface Command {
  readonly document: string;
  readonly words: readonly string[];
}

/** The commands of a document's sh blocks, without comments; one for each side of `&&`. */
function commandsOf(document: string): Command[] {
  return codeBlocks(join(root, document), "sh").flatMap((block) =>
    block
      .replaceAll("\\\n", " ")
      .split("\n")
      .map((line) => line.replace(/(^|\s)#.*/, "").trim())
      .flatMap((line) => line.split(/\s*&&\s*/))
      .filter((line) => line !== "")
      .map((line) => ({ document, words: line.split(/\s+/) })),
  );
}

interface Manifest {
  readonly scripts: Readonly<Record<string, string>>;
  readonly peerDependencies: Readonly<Record<string, string>>;
}

/** The package.json that npm finds where a reader of this document is. */
function manifestFor(document: string): Manifest {
  const own = join(root, dirname(document), "package.json");
  return JSON.parse(readFileSync(existsSync(own) ? own : join(root, "package.json"), "utf8")) as Manifest;
}

/** What is wrong with a command, as far as it can be seen without running it; undefined if nothing is. */
function problemOf({ document, words }: Command): string | undefined {
  const { scripts, peerDependencies } = manifestFor(document);
  const [program = "", first = "", second = ""] = words;
  const isFile = (path: string) => existsSync(join(root, path));
  if (program === "node") {
    const path = words.find((word) => /\.(ts|mjs|js)$/.test(word)) ?? "";
    return isFile(path) ? undefined : `there is no file ${path}`;
  }
  if (program === "npm" && first === "run") return second in scripts ? undefined : `there is no script ${second}`;
  if (program === "npm" && ["test", "start"].includes(first)) {
    return first in scripts ? undefined : `there is no script ${first}`;
  }
  if (program === "npm" && first === "install") {
    const named = words.slice(2).filter((word) => !word.startsWith("-"));
    const known = ["glink", ...Object.keys(peerDependencies)];
    return named.every((name) => known.includes(name)) || peerDependencies === undefined
      ? undefined
      : `not all of them are glink and its peers: ${named}`;
  }
  if (program === "npm" && first === "ci") return undefined;
  return notRunHere.has(program) ? undefined : "nobody looks at it: say here how it is checked";
}

/** cd and git do what they do anywhere. What needs a machine of its own is run by a suite: grpcurl by `npm run admin`. */
const notRunHere = new Set(["cd", "git", "grpcurl", "kubectl", "npx"]);

test("every command of the documents is one that there is", () => {
  const commands = documents.flatMap(commandsOf);
  assert.ok(commands.length > 30);
  const problems = commands.flatMap((command) => {
    const problem = problemOf(command);
    return problem === undefined ? [] : [`${command.document}: ${command.words.join(" ")}: ${problem}`];
  });
  assert.deepEqual(problems, []);
});
