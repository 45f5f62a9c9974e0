import assert from "node:assert/strict";
import { mkdirSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";
import { test } from "node:test";
import { subpaths } from "../../support/subpaths.ts";
import { ts } from "../typescript.ts";
import { codeBlocks } from "./code-blocks.ts";

const root = join(import.meta.dirname, "../../..");
const folder = join(root, ".cache/snippets");

/** README and guides: every document a user may copy code from. */
const documents = ["README.md", ...readdirSync(join(root, "docs")).map((name) => join("docs", name))].filter((name) =>
  name.endsWith(".md"),
);

/** Writes the TypeScript blocks of a document into files of their own, and returns their paths. */
function extract(document: string): string[] {
  return codeBlocks(join(root, document), "ts").map((block, index) => {
    const path = join(folder, `${basename(document, ".md")}-${index + 1}.ts`);
    // Each block is a module of its own, whether or not it imports anything.
    writeFileSync(path, `${block}\nexport {};\n`);
    return path;
  });
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

test("links between the documents lead somewhere", () => {
  const broken = documents.flatMap((document) => {
    const links = readFileSync(join(root, document), "utf8").matchAll(/\]\((?!https?:|#)([^)#]+)/g);
    return Array.from(links, ([, link = ""]) => join(document, "..", link)).filter(
      (path) => ts.sys.fileExists(join(root, path)) === false,
    );
  });
  assert.deepEqual(broken, []);
});
