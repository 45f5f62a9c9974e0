import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { root } from "./source-tree.ts";

const read = (path: string) => readFileSync(join(root, path), "utf8");
const versionsIn = (text: string) => [...new Set(text.match(/\d+\.\d+\.\d+/g))].sort();
const ci = read(".ci/run");
const { engines, devDependencies } = JSON.parse(read("package.json")) as {
  readonly engines: { readonly node: string };
  readonly devDependencies: Readonly<Record<string, string>>;
};

/** The versions in a row of the table of docs/support.md. */
function promised(what: string): string[] {
  const row = new RegExp(`^\\| ${what.replace(".", "\\.")} \\| ([^|]+) \\|`, "m").exec(read("docs/support.md"));
  return (row?.[1] ?? assert.fail(`no row for ${what}`))
    .split(",")
    .map((version) => version.trim())
    .sort();
}

/** What a suite says of its versions, in the part of its source that `pattern` finds. CI runs the suite. */
function ofSuite(name: string, pattern: RegExp): string[] {
  assert.ok(ci.includes(`test/suites/${name}/run.ts`), `.ci/run does not run ${name}`);
  return versionsIn(Array.from(read(`test/suites/${name}/run.ts`).matchAll(pattern), ([found]) => found).join("\n"));
}

test("the Node versions of docs/support.md are the oldest that engines allows, and those that CI runs all tests on", () => {
  const others = versionsIn(/^for version in ([^;]+); do$/m.exec(ci)?.[1] ?? "");
  assert.ok(others.length > 0);
  assert.deepEqual(promised("Node.js"), [engines.node.replace(">=", ""), ...others].sort());
});

test("the TypeScript versions of docs/support.md are those that CI compiles with", () => {
  assert.deepEqual(promised("TypeScript"), ofSuite("types", /^const versions = .*$/gm));
});

test("the Connect versions of docs/support.md are those that CI makes calls with", () => {
  const older = ofSuite("connect-versions", /^const versions = .*$/gm);
  assert.deepEqual(promised("Connect"), [...older, devDependencies["@connectrpc/connect"]].sort());
});

test("the test runners of docs/support.md are those that CI runs", () => {
  assert.deepEqual(promised("Jest"), ofSuite("runners", /\.\.\.jest, version: .*$/gm));
  assert.deepEqual(promised("Vitest"), ofSuite("runners", /\.\.\.vitest, version: .*$/gm));
});

test("every promise of SECURITY.md names a test that is there", () => {
  const rows = Array.from(read("SECURITY.md").matchAll(/^\| [A-Z][^|]* \| (.*) \|$/gm), ([, tests = ""]) => tests);
  assert.ok(rows.length > 10);
  const missing = rows.filter((tests) => {
    const paths = Array.from(tests.matchAll(/`([^`]+)`/g), ([, path = ""]) => path);
    return paths.length === 0 || !paths.every((path) => path.endsWith(".test.ts") && existsSync(join(root, path)));
  });
  assert.deepEqual(missing, []);
});
