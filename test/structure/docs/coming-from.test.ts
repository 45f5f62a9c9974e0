import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { test } from "node:test";
import ts from "typescript";
import { root } from "../source-tree.ts";

/** The texts in code of the first column of a document's tables. */
function firstColumn(document: string): Set<string> {
  const rows = readFileSync(join(root, document), "utf8").matchAll(/^\| ([^|]*) \|/gm);
  return new Set(
    Array.from(rows, ([, cell = ""]) => cell.matchAll(/`([^`]+)`/g)).flatMap((codes) =>
      Array.from(codes, ([, code = ""]) => code),
    ),
  );
}

const connectNode = join(root, "node_modules/@connectrpc/connect-node/dist/esm/index.d.ts");
const program = ts.createProgram([connectNode], {
  module: ts.ModuleKind.NodeNext,
  skipLibCheck: true,
  types: ["node"],
});

/** The options of one of connect-node's transports, as its types have them. */
function optionsOf(typeName: string): string[] {
  const checker = program.getTypeChecker();
  const module = checker.getSymbolAtLocation(program.getSourceFile(connectNode) as ts.SourceFile) as ts.Symbol;
  const symbol = checker.getExportsOfModule(module).find(({ name }) => name === typeName) as ts.Symbol;
  const type = checker.getDeclaredTypeOfSymbol(checker.getAliasedSymbol(symbol));
  const alternatives = type.isUnion() ? type.types : [type];
  return [...new Set(alternatives.flatMap((one) => checker.getPropertiesOfType(one)).map(({ name }) => name))];
}

for (const typeName of ["GrpcTransportOptions", "ConnectTransportOptions", "GrpcWebTransportOptions"]) {
  test(`docs/coming-from-connect-node.md has a row for every option of connect-node's ${typeName}`, () => {
    const options = optionsOf(typeName);
    assert.ok(options.length > 10);
    const rows = firstColumn("docs/coming-from-connect-node.md");
    assert.deepEqual(
      options.filter((name) => !rows.has(name)),
      [],
    );
  });
}

test("docs/coming-from-grpc-js.md has a row for every channel option that grpc-js knows", () => {
  const { recognizedOptions } = createRequire(import.meta.url)("@grpc/grpc-js/build/src/channel-options.js") as {
    recognizedOptions: Readonly<Record<string, boolean>>;
  };
  const rows = firstColumn("docs/coming-from-grpc-js.md");
  assert.ok(Object.keys(recognizedOptions).length > 25);
  assert.deepEqual(
    Object.keys(recognizedOptions).filter((name) => !rows.has(name)),
    [],
  );
});
