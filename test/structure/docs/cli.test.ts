import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { commandOptions, protocols } from "../../../src/cli/arguments.ts";
import { problemKinds } from "../../../src/cli/check/problems.ts";
import { exitCode } from "../../../src/cli/exit-codes.ts";
import { helpText } from "../../../src/cli/help.ts";

const guide = readFileSync("docs/cli.md", "utf8");

test("every problem has one row in docs/cli.md with its severity and its advice, in the source's order", () => {
  const rows = Array.from(guide.matchAll(/^\| `([a-z0-9-]+)` \| (error|warning) \| [^|]+ \| ([^|]+) \|$/gm), (match) =>
    match.slice(1),
  );
  assert.ok(rows.length > 30);
  assert.deepEqual(
    rows,
    Object.entries(problemKinds).map(([id, { severity, advice }]) => [id, severity, advice]),
  );
});

test("every option is in docs/cli.md and in the help, and none is there that does not exist", () => {
  const named = (text: string) => [...new Set(Array.from(text.matchAll(/--([a-z]+)\b/g), ([, name]) => name))].sort();
  const options = [...new Set([...Object.keys(commandOptions.check), ...Object.keys(commandOptions.watch)])].sort();
  assert.deepEqual(named(guide), options);
  assert.deepEqual(named(helpText), [...options, "version"].sort());
});

test("every exit code and protocol is in docs/cli.md and in the help, which fits 80 columns", () => {
  for (const code of Object.values(exitCode)) {
    assert.match(guide, new RegExp(`^\\| ${code} \\|`, "m"));
    assert.match(helpText, new RegExp(`\\b${code} [a-z]`));
  }
  for (const name of protocols) for (const text of [guide, helpText]) assert.ok(text.includes(name));
  for (const line of helpText.split("\n")) assert.ok(line.length <= 80, line);
});
