import assert from "node:assert/strict";
import { test } from "node:test";
import { loading, manyBackends, manyTargets } from "../../../../bench/budgets/processes.ts";
import type { ScaleRow } from "../../../../bench/programs.ts";
import { resultOf } from "../results.ts";

const judged = (scale: readonly ScaleRow[]) =>
  [...manyBackends, ...manyTargets].flatMap(({ wanted, judge }) => {
    const judgement = judge(resultOf({ scale }));
    return judgement === undefined ? [] : [`${wanted}: ${judgement.measured}, ${judgement.met ? "met" : "missed"}`];
  });

test("of glink the most backends count, against grpc-js with as many", () => {
  const row = (peer: "glink" | "grpc-js", backends: number, allReadyMs: number, tls = false): ScaleRow => ({
    peer,
    backends,
    allReadyMs,
    tls,
  });
  const few = [row("glink", 10, 5), row("grpc-js", 10, 1), row("glink", 1_000, 900, true)];
  assert.deepEqual(judged([row("grpc-js", 1_000, 800), row("glink", 1_000, 700), ...few]), [
    "all are connected no later than grpc-js's: 700 ms with 1000, met",
  ]);
  assert.deepEqual(judged([row("glink", 1_000, 700)]), [], "there is nobody to compare with");
});

test("the longest turn of all phases counts", () => {
  const turns = { connectTurnCpuMs: 4, sameAnswerTurnCpuMs: 11, halfLeaveTurnCpuMs: 3, rotationTurnCpuMs: 2 };
  assert.deepEqual(judged([{ peer: "glink", backends: 100, tls: false, ...turns }]), [
    "no turn of the event loop takes more than 10 ms of CPU: 11.0 ms with 100, missed",
  ]);
});

test("p99 beside a change is judged in that of calm", () => {
  const row = { peer: "glink", backends: 100, tls: false, rotationP99OfCalm: 1.3, halfLeaveP99OfCalm: 1.35 } as const;
  assert.deepEqual(judged([row]), [
    "p99 of calls while half of all leave at most 1.3 × that of calm: 1.35 × with 100, missed",
    "p99 of calls while all are replaced at most 1.3 × that of calm: 1.30 × with 100, met",
  ]);
});

test("once a second is not less than once a second", () => {
  const idle = (byName: number) =>
    judged([
      { targets: 50, tls: false, wakeUpsPerSecond: 0.1 },
      { targets: 50, tls: false, named: true, wakeUpsPerSecond: byName },
    ]);
  assert.deepEqual(idle(1), ["the process wakes less than once a second: 1.00 a second, missed"]);
  assert.deepEqual(idle(0.9), ["the process wakes less than once a second: 0.900 a second, met"]);
});

test("loading is judged by time and by CPU, and by its bytes", () => {
  const spread = (median: number) => ({ median, min: median, max: median });
  const step = (wallMs: number, cpuMs: number) => ({ wallMs: spread(wallMs), cpuMs: spread(cpuMs) });
  const of = (wallMs: number, cpuMs: number) => ({
    Connect: step(50, 50),
    glink: step(wallMs, cpuMs),
    "Node's Headers": step(1, 1),
  });
  const found = resultOf({ loading: { steps: { import: of(14, 16), require: of(14, 15) }, bytesAtOnce: 240_000 } });
  assert.deepEqual(
    loading.map(({ judge }) => judge(found)),
    [
      { measured: "14.0 ms, 16.0 ms of CPU", met: false },
      { measured: "14.0 ms, 15.0 ms of CPU", met: true },
      { measured: "240 kB", met: true },
    ],
  );
});
