import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { root } from "../source-tree.ts";

/** Permissive: whoever uses or ships what they cover owes a notice and nothing else. */
const permissive = new Set([
  ...["MIT", "ISC", "Apache-2.0", "BSD-2-Clause", "BSD-3-Clause", "BlueOak-1.0.0", "Python-2.0"],
  ...["MIT OR Apache-2.0", "(Apache-2.0 AND BSD-3-Clause)"],
]);

/** Run in tests, unchanged, and never shipped. */
const exceptions: Readonly<Record<string, string>> = { "axe-core": "MPL-2.0" };

const { packages } = JSON.parse(readFileSync(join(root, "package-lock.json"), "utf8")) as {
  readonly packages: Readonly<Record<string, { readonly license?: string; readonly dev?: boolean }>>;
};

test("what glink is built and tested with has permissive licences", () => {
  const installed = Object.entries(packages).filter(([path]) => path !== "");
  assert.ok(installed.length > 100);
  const others = installed
    .map(([path, { license = "none" }]) => ({ name: path.replace(/^.*node_modules\//, ""), license }))
    .filter(({ name, license }) => !permissive.has(license) && exceptions[name] !== license)
    .map(({ name, license }) => `${name}: ${license}`);
  assert.deepEqual(others, []);
});

test("nothing is installed with glink but its peers", () => {
  const manifest = JSON.parse(readFileSync(join(root, "package.json"), "utf8")) as Record<string, unknown>;
  assert.deepEqual(
    [manifest.dependencies, manifest.optionalDependencies, manifest.bundledDependencies],
    [undefined, undefined, undefined],
  );
});
