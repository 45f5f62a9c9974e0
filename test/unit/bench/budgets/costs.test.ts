import assert from "node:assert/strict";
import { test } from "node:test";
import { cpu, cpuOver, streamCpu, throughput } from "../../../../bench/budgets/costs.ts";
import { loadResult, resultOf } from "../results.ts";

const findings = (...loads: Parameters<typeof loadResult>[]) =>
  resultOf({ loads: loads.map((one) => loadResult(...one)) });

test("CPU is judged by the median of ratios of processes that ran at the same time", () => {
  const { subject, wanted, judge } = cpu("glink", "unary-1MiB", "grpc-go", 1.1);
  assert.equal(`${subject}: ${wanted}`, "unary, 1 MiB: CPU at most 1.1 × grpc-go's");
  const of = (...glink: number[]) => judge(findings(["unary-1MiB", { glink, "grpc-go": [100, 200, 100] }]));
  assert.deepEqual(of(90, 220, 150), { measured: "1.10 (0.90–1.50) ×", met: true });
  assert.deepEqual(of(90, 222, 150), { measured: "1.11 (0.90–1.50) ×", met: false });
});

test("what a load adds is judged in microseconds above the same call without it", () => {
  const { wanted, judge } = cpuOver("glink", "unary-interceptor", 5);
  assert.equal(wanted, "at most 5 µs of CPU above the same call without");
  const of = (...glink: number[]) => judge(findings(["unary-interceptor", { glink, "glink-plain": [20, 30, 40] }]));
  assert.deepEqual(of(25, 32, 46), { measured: "5.0 (2.0–6.0) µs", met: true });
  assert.deepEqual(of(26, 32, 46), { measured: "6.0 (2.0–6.0) µs", met: false });
});

test("a stream may keep either of its two budgets", () => {
  const { judge } = streamCpu("bidi-100", 1.2, 0.5);
  const met = (glink: number, go: number, alone: number) =>
    judge(findings(["bidi-100", { glink: [glink], "grpc-go": [go], "no-network": [alone] }]))?.met;
  assert.equal(met(6, 5, 3), true, "1.2 × grpc-go");
  assert.equal(met(6, 4, 5.5), true, "0.5 µs above no-network");
  assert.equal(met(6, 4, 5), false);
});

test("throughput is judged as so much at least", () => {
  const { wanted, judge } = throughput("glink", "unary-64KiB", "floor", 1);
  assert.equal(wanted, "no fewer calls a second than floor");
  // Every measurement of the tests makes as many.
  assert.deepEqual(judge(findings(["unary-64KiB", { glink: [1], floor: [1] }])), { measured: "1.00 ×", met: true });
});

test("what was not measured is not judged", () => {
  assert.equal(cpu("glink", "unary-c32", "grpc-go", 1).judge(findings(["unary-c32", { glink: [1] }])), undefined);
  assert.equal(cpuOver("glink", "unary-interceptor", 5).judge(findings()), undefined);
  assert.equal(streamCpu("bidi-100", 1, 1).judge(findings(["bidi-100", { glink: [1], "grpc-go": [1] }])), undefined);
});
