import assert from "node:assert/strict";
import { test } from "node:test";
import { subpaths } from "../support/subpaths.ts";
import { readSources } from "./source-tree.ts";
import { ts } from "./typescript.ts";

const sources = new Map(readSources("src").map((source) => [source.path, source]));

/** Where the names that a module exports are declared; those of another module that it passes on in turn included. */
function declarationsOf(path: string): { readonly path: string; readonly name: string }[] {
  const source = sources.get(path) ?? assert.fail(path);
  const passedOn = source.imports.filter(({ from }) => from.startsWith("src/"));
  return passedOn.flatMap(({ from, names }) => names.map((name) => ({ path: from, name })));
}

/** What is declared by this name, and has no docstring of its own, in any of its overloads. */
function lacksDocstring({ path, name }: { readonly path: string; readonly name: string }): boolean {
  const statements = sources.get(path)?.tree.statements ?? [];
  const declared = statements.filter((statement) => {
    const names = ts.isVariableStatement(statement)
      ? statement.declarationList.declarations.map((declaration) => declaration.name.getText())
      : [(statement as { name?: { getText(): string } }).name?.getText()];
    return names.includes(name);
  });
  // What is passed on once more is found where it is declared.
  return declared.length > 0 && !declared.some((statement) => ts.getJSDocCommentsAndTags(statement).some(ts.isJSDoc));
}

test("every symbol that the package exports has a docstring", () => {
  const exported = ["src/index.ts", ...subpaths.map((name) => `src/${name}/index.ts`)].flatMap(declarationsOf);
  assert.ok(exported.length > 150, `${exported.length} symbols`);
  assert.deepEqual(
    exported.filter(lacksDocstring).map(({ path, name }) => `${path}: ${name}`),
    [],
  );
});
