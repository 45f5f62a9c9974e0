import assert from "node:assert/strict";
import { test } from "node:test";
import { LatencyEstimate } from "../../../../src/calls/hedging/latency-estimate.ts";
import { seededRandom } from "../../../support/random.ts";

test("nothing is said of fewer than a hundred calls", () => {
  const latencies = new LatencyEstimate();
  for (let i = 0; i < 99; i++) latencies.record(5);
  assert.equal(latencies.exceededBy(0.05), undefined);
  latencies.record(5);
  const percentileMs = latencies.exceededBy(0.05) ?? 0;
  assert.ok(percentileMs >= 5 && percentileMs < 5 * 1.03, `${percentileMs}`);
});

for (const share of [0.5, 0.9, 0.95, 0.99]) {
  test(`p${share * 100} of exponential latencies is at most 12 % off, and never more than ${1 - share} and a half are above`, () => {
    const random = seededRandom(3);
    const latencies = new LatencyEstimate();
    for (let i = 0; i < 5_000; i++) latencies.record(-10 * Math.log(1 - random.next()));
    const truth = -10 * Math.log(1 - share);
    const estimate = latencies.exceededBy(1 - share) ?? 0;
    assert.ok(Math.abs(estimate / truth - 1) < 0.12, `${estimate} for ${truth}`);
  });
}

test("a service that grew faster is known as such after two and a half thousand calls", () => {
  const latencies = new LatencyEstimate();
  for (let i = 0; i < 10_000; i++) latencies.record(100);
  for (let i = 0; i < 2_500; i++) latencies.record(2);
  assert.ok((latencies.exceededBy(0.05) ?? 0) < 3);
});

test("what is very short and very long is counted too", () => {
  const latencies = new LatencyEstimate();
  for (let i = 0; i < 200; i++) latencies.record(i % 2 === 0 ? 0 : 1e9);
  assert.equal(latencies.exceededBy(0.6), 0.05);
  assert.ok((latencies.exceededBy(0.1) ?? 0) > 1_000_000);
});
