import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { root } from "../source-tree.ts";
import { codeBlocks } from "./code-blocks.ts";
import { documents } from "./documents.ts";

interface Command {
  readonly document: string;
  /** Where its reader is by then, from the root. */
  readonly folder: string;
  readonly words: readonly string[];
}

/** The commands of a document's sh blocks, without comments; one for each side of `&&`. */
function commandsOf(document: string): Command[] {
  return codeBlocks(join(root, document), "sh").flatMap((block) => {
    const lines = block
      .replaceAll("\\\n", " ")
      .split("\n")
      .map((line) => line.replace(/(^|\s)#.*/, "").trim())
      .flatMap((line) => line.split(/\s*&&\s*/))
      .filter((line) => line !== "");
    let folder = "";
    return lines.map((line) => {
      const words = line.split(/\s+/);
      if (words[0] === "cd") folder = join(folder, words[1] ?? "");
      return { document, folder, words };
    });
  });
}

interface Manifest {
  readonly version?: string;
  readonly scripts: Readonly<Record<string, string>>;
  readonly peerDependencies?: Readonly<Record<string, string>>;
}

/** What is wrong with a command, as far as it can be seen without running it; undefined if nothing is. */
function problemOf({ folder, words }: Command): string | undefined {
  const {
    scripts,
    peerDependencies = {},
    version,
  } = JSON.parse(readFileSync(join(root, folder, "package.json"), "utf8")) as Manifest;
  const [program = "", first = "", second = ""] = words;
  const isThere = (path: string) => existsSync(join(root, folder, path));
  if (program === "node") {
    const path = words.find((word) => /\.(ts|mjs|js)$/.test(word)) ?? "";
    return isThere(path) ? undefined : `there is no file ${path}`;
  }
  if (program === "npm" && first === "run") return second in scripts ? undefined : `there is no script ${second}`;
  if (program === "npm" && ["test", "start"].includes(first)) {
    return first in scripts ? undefined : `there is no script ${first}`;
  }
  if (program === "npm" && first === "install") {
    const named = words.slice(2).filter((word) => !word.startsWith("-"));
    const known = ["glink", ...Object.keys(peerDependencies)];
    return named.every((name) => known.includes(name)) ? undefined : `these are not all glink and its peers: ${named}`;
  }
  if (program === "npm" && first === "pkg") {
    // What `npm run examples` runs, with the packed file in the place of this range.
    const [, range] = /^dependencies\.glink=\^(.+)$/.exec(words[3] ?? "") ?? [];
    return range === version ? undefined : `glink is at ${version}`;
  }
  if (program === "npm" && first === "ci") return undefined;
  if (program === "cd") return isThere("") ? undefined : "there is no such folder";
  return notRunHere.has(program) ? undefined : "nobody looks at it: say here how it is checked";
}

/** git does what it does anywhere. What needs a machine of its own is run by a suite: grpcurl by `npm run admin`. */
const notRunHere = new Set(["git", "grpcurl"]);

test("every command of the documents is one that there is", () => {
  const commands = documents.flatMap(commandsOf);
  assert.ok(commands.length > 30);
  const problems = commands.flatMap((command) => {
    const problem = problemOf(command);
    return problem === undefined ? [] : [`${command.document}: ${command.words.join(" ")}: ${problem}`];
  });
  assert.deepEqual(problems, []);
});
