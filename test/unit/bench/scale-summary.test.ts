import assert from "node:assert/strict";
import { test } from "node:test";
import { idleTable, mediansOf, scaleTable } from "../../../bench/scale/summary.ts";

const reports = [
  { allReadyMs: 900, calmP99Ms: 4, calmAgainP99Ms: 6, rotationP99Ms: 6, rotationTurnCpuMs: 9, rotationTurnGcMs: 5 },
  { allReadyMs: 700, calmP99Ms: 2, calmAgainP99Ms: 8, rotationP99Ms: 10, rotationTurnCpuMs: 7, rotationTurnGcMs: 0 },
  { allReadyMs: 800, calmP99Ms: 9, calmAgainP99Ms: 6, rotationP99Ms: 8, rotationTurnCpuMs: 8, rotationTurnGcMs: 1 },
];

test("a row of bench:scale has the median of each figure over its processes, and each p99 beside that of the calm phases", () => {
  const medians = mediansOf(reports);
  assert.deepEqual([medians.allReadyMs, medians.rotationP99Ms, medians.rotationTurnGcMs], [800, 8, 1]);
  assert.equal(medians.rotationP99OfCalm, 8 / 5);
  assert.equal(medians.halfLeaveP99OfCalm, undefined);
});

test("its table has a line for each row, and no column that nobody has a figure for", () => {
  const glink = { subject: { peer: "glink", backends: 4_000, tls: true }, report: mediansOf(reports) };
  const sockets = { subject: { peer: "sockets", backends: 4_000, tls: true }, report: { bytesPerBackend: 1_300 } };
  const lines = scaleTable([glink, sockets]).split("\n");
  assert.equal(lines.length, 4);
  assert.match(lines[2] ?? "", /\| 4000 \| glink, TLS \| 800 \|.*\| 8\.0 \(1\.0\) \|.*\| 1\.60 \|/);
  assert.doesNotMatch(lines[0] ?? "", /first call|half leave/);
  assert.equal(scaleTable([]), "");
  assert.match(
    idleTable([{ subject: { targets: 50, named: true }, report: { wakeUpsPerSecond: 0.414 } }]),
    /50, by name \| 0\.41/,
  );
});
