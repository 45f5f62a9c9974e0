import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { readResult, resultText, writeResult } from "../../../../bench/report/result.ts";
import { loadResult, resultOf } from "../results.ts";

function file(t: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), "glink-bench-"));
  t.after(() => rmSync(folder, { recursive: true }));
  return join(folder, "deeper/result.json");
}

test("a result is read as it was written", (t) => {
  const path = file(t);
  const result = resultOf({ loads: [loadResult("unary-c32", { glink: [20, 21, 25], "grpc-go": [36, 36, 38] })] });
  writeResult(path, result);
  const { loads, machine, pace } = readResult(path);
  assert.deepEqual(loads[0]?.figures.glink?.cpuMicros, { median: 21, min: 20, max: 25 });
  assert.deepEqual({ machine, pace }, { machine: result.machine, pace: result.pace });
});

test("figures have five digits, and a line for each client", () => {
  const text = resultText(resultOf({ loads: [loadResult("unary-c32", { glink: [20.123_456_7] })] }));
  assert.match(text, /^ +"glink": \{"cpuMicros":\{"median":20\.123,.*\}$/m);
});

test("a file of another schema is refused with what to do", (t) => {
  const path = file(t);
  writeResult(path, resultOf({}));
  writeFileSync(path, '{"schema": 999}');
  assert.throws(() => readResult(path), /has schema 999, not 2: measure again with npm run bench -- --json/);
});
