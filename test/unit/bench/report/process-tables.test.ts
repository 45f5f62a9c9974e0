import assert from "node:assert/strict";
import { test } from "node:test";
import { loadingTable, scaleTable, targetsTable } from "../../../../bench/report/process-tables.ts";
import { resultOf } from "../results.ts";

const rowsOf = (text: string) => text.split("\n").filter((line) => line.startsWith("|"));

test("many backends have a row for each client, which leaves empty what it has not", () => {
  const turns = { connectTurnCpuMs: 4, sameAnswerTurnCpuMs: 5, halfLeaveTurnCpuMs: 6, rotationTurnCpuMs: 7 };
  const p99 = { calmP99Ms: 1, sameAnswerP99OfCalm: 1.25, halfLeaveP99OfCalm: 1.5, rotationP99OfCalm: 2 };
  const times = { firstCallMs: 100, allReadyMs: 1_000, connectCpuMs: 800, bytesPerBackend: 12_288 };
  const scale = [
    { peer: "grpc-js", backends: 1_000, tls: false, ...times, connectTurnCpuMs: 400 },
    { peer: "glink", backends: 1_000, tls: true, ...times, ...turns, ...p99 },
    { targets: 50, tls: false, wakeUpsPerSecond: 0.5 },
  ] as const;
  assert.deepEqual(rowsOf(scaleTable(resultOf({ scale }))).slice(2), [
    "| grpc-js | 1000 | 100 | 1000 | 800 | 12.0 | 400, –, –, – |  | –, –, –, – |",
    "| glink, TLS | 1000 | 100 | 1000 | 800 | 12.0 | 4.00, 5.00, 6.00, 7.00 | 1.00 | 1.25, 1.50, 2.00, – |",
  ]);
});

test("idle targets by address and by name are told apart", () => {
  const idle = { targets: 50, tls: false, wakeUpsPerSecond: 0.5, cpuMsPerSecond: 0.1, bytesPerTarget: 20_480 };
  assert.deepEqual(rowsOf(targetsTable(resultOf({ scale: [{ ...idle, named: true }, idle] }))).slice(2), [
    "| 50 | 0.500 | 0.100 | 20.0 |",
    "| 50, by name | 0.500 | 0.100 | 20.0 |",
  ]);
});

test("loading has a row for each step, and says how much of glink is loaded at once", () => {
  const spread = (median: number) => ({ median, min: median - 1, max: median + 1 });
  const step = (ms: number) => ({ wallMs: spread(ms), cpuMs: spread(2 * ms) });
  const steps = { Connect: step(60), glink: step(10), "Node's Headers": step(5) };
  const text = loadingTable(resultOf({ loading: { steps: { import: steps, require: steps }, bytesAtOnce: 123_456 } }));
  assert.equal(rowsOf(text)[3], "| `import` | glink | 10.0 | 9.00 | 20.0 | 19.0 |");
  assert.match(text, /loads 123 kB of its text at once/);
});

test("what a run did not measure is said so", () => {
  for (const write of [scaleTable, targetsTable, loadingTable]) assert.match(write(resultOf({})), /^Not measured/);
});
