import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { ruleGroups, rulesPage } from "../../suites/discovery/rules/page.ts";
import { splitTest, wrongRows } from "../../support/named-tests.ts";
import { root } from "../source-tree.ts";

const rules = ruleGroups.flatMap((group) => group.rules);

test("every rule of docs/discovery-rules.md has a test that exists under that name, or says why there is none", () => {
  assert.deepEqual(wrongRows(rules), []);
});

test("docs/discovery-rules.md is what npm run discovery -- --table writes", () => {
  assert.equal(readFileSync(join(root, "docs/discovery-rules.md"), "utf8"), rulesPage());
});

test("every test of glink/kubernetes and of glink/consul is of a rule", () => {
  const named = new Set(rules.flatMap(({ tests }) => tests.map((one) => splitTest(one).join(": "))));
  const missing = ["kubernetes", "consul"].flatMap((folder) =>
    readdirSync(join(root, "test/unit", folder))
      .filter((name) => name.endsWith(".test.ts"))
      .flatMap((name) => {
        const path = `unit/${folder}/${name}`;
        const text = readFileSync(join(root, "test", path), "utf8");
        const titles = Array.from(text.matchAll(/^\s*test\((["'`])(.+?)\1, /gm), ([, , title = ""]) => title);
        assert.ok(titles.length > 0, path);
        return titles.map((title) => `${path}: ${title}`).filter((one) => !named.has(one));
      }),
  );
  assert.deepEqual(missing, []);
});
