import assert from "node:assert/strict";
import { mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { subpaths } from "../../support/subpaths.ts";
import { ts } from "../typescript.ts";
import { codeBlocks } from "./code-blocks.ts";
import { documents } from "./documents.ts";

const root = join(import.meta.dirname, "../../..");
const folder = join(root, ".cache/snippets");

/**
 * Writes the TypeScript blocks of a document, and both sides of its diffs, into files of their own, and returns their
 * paths.
 */
function extract(document: string): string[] {
  const blocks = [
    ...codeBlocks(join(root, document), "ts"),
    ...codeBlocks(join(root, document), "diff").flatMap((diff) => [side(diff, "-"), side(diff, "+")]),
  ];
  return blocks.map((block, index) => {
    const path = join(folder, `${document.replace(/\.md$/, "").replaceAll("/", "-")}-${index + 1}.ts`);
    // Each block is a module of its own, whether or not it imports anything.
    writeFileSync(path, `${block}\nexport {};\n`);
    return path;
  });
}

/** What a diff says was there (-), or is there instead (+), with what it takes for granted. */
function side(diff: string, sign: "-" | "+"): string {
  const lines = diff.split("\n").filter((line) => /^[ +-]/.test(line) && (line[0] === " " || line[0] === sign));
  const given = [
    'import { createClient } from "@connectrpc/connect";',
    'import { EchoService } from "./gen/glink/demo/v1/echo_pb.js";',
  ];
  return [...given, ...lines.map((line) => line.slice(1))].join("\n");
}

test("every TypeScript block of README and docs compiles against the public types", () => {
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  symlinkSync(join(root, "proto/gen"), join(folder, "gen"), "junction");
  const files = documents.flatMap(extract);
  assert.ok(files.length >= 8);
  const { config } = ts.readConfigFile(join(root, "tsconfig.json"), ts.sys.readFile);
  const { options } = ts.convertCompilerOptionsFromJson(config.compilerOptions, root);
  const program = ts.createProgram(files, {
    ...options,
    // What a reader does not use yet is no error in an example.
    noUnusedLocals: false,
    noUnusedParameters: false,
    paths: {
      glink: [join(root, "src/index.ts")],
      ...Object.fromEntries(subpaths.map((name) => [`glink/${name}`, [join(root, `src/${name}/index.ts`)]])),
    },
  });
  // Errors in src itself are the type check's to find.
  const inSnippets = [
    ...program.getOptionsDiagnostics(),
    ...files.flatMap((name) => {
      const file = program.getSourceFile(name);
      return [...program.getSyntacticDiagnostics(file), ...program.getSemanticDiagnostics(file)];
    }),
  ];
  const problems = inSnippets.map(({ file, start, messageText }) => {
    const line = file === undefined ? 0 : file.getLineAndCharacterOfPosition(start ?? 0).line + 1;
    return `${file?.fileName ?? ""}:${line} ${ts.flattenDiagnosticMessageText(messageText, "\n")}`;
  });
  assert.deepEqual(problems, []);
});

test("a document whose blocks take a generated stub says whose it is, and where to see one made", () => {
  const silent = documents.filter((document) => {
    const text = readFileSync(join(root, document), "utf8").replaceAll(/\s+/g, " ");
    const takesOne = codeBlocks(join(root, document), "ts").some((block) => block.includes('from "./gen/'));
    const says =
      /`EchoService`[^.]* stands for what protoc-gen-es makes of your proto,? \(?\[(as here|how)\]\(\.\.\/examples\/from-zero/;
    return takesOne && !says.test(text);
  });
  assert.deepEqual(silent, []);
});
