import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { fileResolver } from "../../../src/index.ts";
import { until } from "../../support/load.ts";
import { watchEndpoints } from "../../unit/resolver/watching-endpoints.ts";
import { root } from "../source-tree.ts";
import { codeBlocks } from "./code-blocks.ts";
import { documents } from "./documents.ts";

/** Who looks at the blocks of each language. */
const checkedBy: Readonly<Record<string, string>> = {
  ts: "snippets.test.ts compiles them",
  diff: "snippets.test.ts compiles both sides",
  sh: "commands.test.ts",
  json: "this file",
  yaml: "npm run examples holds them to the schemas of Kubernetes",
  js: "npm run otel runs the one there is",
  proto: "this file",
};

test("every block of code says its language, and somebody looks at it", () => {
  const strange = documents.flatMap((document) => {
    const fences = readFileSync(join(root, document), "utf8").matchAll(/^(`{3,})([^\n]*)\n.*?^\1$/gms);
    return Array.from(fences, ([, , language = ""]) => language)
      .filter((language) => !(language in checkedBy) && !isDrawing(document, language))
      .map((language) => `${document}: ${language}`);
  });
  assert.deepEqual(strange, []);
});

/** The house, a trace, and what the command prints are drawn in letters. */
function isDrawing(document: string, language: string): boolean {
  return language === "" && ["docs/architecture.md", "docs/cli.md", "docs/opentelemetry.md"].includes(document);
}

test("the file of docs/discovery.md is one that fileResolver reads", async (t) => {
  const [text = ""] = codeBlocks(join(root, "docs/discovery.md"), "json");
  const folder = mkdtempSync(join(tmpdir(), "glink-blocks-"));
  t.after(() => rmSync(folder, { recursive: true }));
  const path = join(folder, "backends.json");
  writeFileSync(path, text);
  const { lists, errors, close } = watchEndpoints(fileResolver(path), { host: "echo", port: 50051 });
  t.after(close);
  await until("the file is read", () => lists.length + errors.length > 0);
  assert.deepEqual(lists[0], [
    "10.0.0.1:50051 weight 2 zone eu-1a",
    "10.0.0.2:50051,[fd00::2]:50051 priority 1 of standby",
    "10.0.0.3:50051",
  ]);
});

test("the method of docs/retries.md is one that buf compiles", () => {
  const [rpc = ""] = codeBlocks(join(root, "docs/retries.md"), "proto");
  const folder = mkdtempSync(join(tmpdir(), "glink-blocks-"));
  try {
    const file = `syntax = "proto3"; message GetRequest {} message GetResponse {} service Orders { ${rpc} }`;
    writeFileSync(join(folder, "orders.proto"), file);
    execFileSync(join(root, "node_modules/.bin/buf"), ["build", folder]);
  } finally {
    rmSync(folder, { recursive: true });
  }
});
