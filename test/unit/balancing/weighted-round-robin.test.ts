import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { readLoadReport } from "../../../src/balancing/load-report.ts";
import { type WeightedRoundRobinOptions, weightedRoundRobin } from "../../../src/balancing/weighted-round-robin.ts";
import { backends, type FakeBackend } from "../../support/fake-backend.ts";
import { double, entry, loadReport, type Report } from "../../support/load-reports.ts";
import { callOn, pickingFrom } from "../../support/picks.ts";

function trailersOf(report: Report): string[] {
  const text = Buffer.from(loadReport(report)).toString("base64").replace(/=+$/, "");
  return ["x-other", "1", "endpoint-load-metrics-bin", text];
}

function setUp(options?: WeightedRoundRobinOptions, ids = ["a", "b"]) {
  const list = backends(...ids);
  const all = pickingFrom(weightedRoundRobin(options), list);
  const report = (backend: FakeBackend, fields: Report | string[]) => {
    for (const other of list) other.full = other !== backend;
    callOn(all.picked())(1, { trailers: Array.isArray(fields) ? fields : trailersOf(fields) });
    for (const other of list) other.full = false;
  };
  const weightOf = (backend: FakeBackend) => all.factsOf(backend)?.loadWeight;
  /** The first backend's part of the calls. */
  const share = () => (all.counts(1_000)[0] as number) / 1_000;
  const [a, b, c] = list as [FakeBackend, FakeBackend, FakeBackend];
  return { ...all, list, a, b, c, report, weightOf, share };
}

const near = (value: number | undefined, expected: number) =>
  assert.ok(
    value !== undefined && Math.abs(value - expected) <= 0.005 * expected + 1e-9,
    `${value} is not ${expected}`,
  );

describe("a load report", () => {
  test("is read field by field, and what is not known is left out", () => {
    const bytes = Uint8Array.from([
      ...[0x18, 0xac, 0x02],
      ...double(1, 0.5),
      ...double(6, 100),
      ...entry(5, "disk", 0.25),
      ...entry(8, "queue", 0.75),
      ...[0x7d, 1, 2, 3, 4],
      ...double(9, 0.3),
    ]);
    assert.deepEqual(Object.fromEntries(readLoadReport(bytes) ?? []), {
      cpu_utilization: 0.5,
      rps_fractional: 100,
      "utilization.disk": 0.25,
      "named_metrics.queue": 0.75,
      application_utilization: 0.3,
    });
  });

  test("that is cut short, or is none, is undefined", () => {
    const whole = [...double(1, 0.5), ...entry(8, "queue", 1)];
    for (const length of [1, 5, 10, 12, whole.length - 1]) {
      assert.equal(readLoadReport(Uint8Array.from(whole.slice(0, length))), undefined, `${length} bytes`);
    }
    assert.equal(readLoadReport(Uint8Array.of(0x0b)), undefined);
    assert.equal(readLoadReport(new Uint8Array(20).fill(0xff)), undefined);
    assert.deepEqual(readLoadReport(new Uint8Array(0)), new Map());
  });
});

describe("weightedRoundRobin", () => {
  test("weighs by requests in a second over utilization: half the utilization, twice the calls", async () => {
    const { report, a, b, share, clock, weightOf } = setUp({ blackoutMs: 0 });
    report(a, { qps: 100, application: 0.2 });
    report(b, { qps: 100, application: 0.4 });
    near(weightOf(a), 500);
    assert.equal(share(), 0.5, "until turns are made anew");
    await clock.advance(1_000);
    near(share(), 2 / 3);
  });

  test("takes the application's utilization, else the greatest metric that was named, else the CPU's", () => {
    const { report, a, weightOf } = setUp({
      blackoutMs: 0,
      utilizationMetrics: ["named_metrics.queue", "named_metrics.disk", "mem_utilization"],
    });
    report(a, { qps: 60, cpu: 0.6 });
    near(weightOf(a), 100);
    report(a, { qps: 60, cpu: 0.6, metrics: { queue: 0.1, disk: 0.3, other: 0.9 } });
    near(weightOf(a), 200);
    report(a, { qps: 60, cpu: 0.6, metrics: { disk: 0.3 }, application: 0.2 });
    near(weightOf(a), 300);
    assert.equal(setUp({ blackoutMs: 0 }).weightOf(a), undefined);
  });

  test("adds errors to the utilization, by the penalty", () => {
    const of = (options: WeightedRoundRobinOptions) => {
      const { report, a, weightOf } = setUp({ blackoutMs: 0, ...options });
      report(a, { qps: 100, application: 0.3, eps: 20 });
      return weightOf(a);
    };
    near(of({}), 200);
    near(of({ errorUtilizationPenalty: 0 }), 100 / 0.3);
    near(of({ errorUtilizationPenalty: 3.5 }), 100);
  });

  test("takes no notice of a report without requests or utilization, nor of one that is broken", () => {
    const { report, a, weightOf } = setUp({ blackoutMs: 0 });
    report(a, { qps: 100, application: 0.5 });
    report(a, { qps: 0, application: 0.1 });
    report(a, { qps: 100 });
    report(a, { qps: Number.NaN, application: 0.1 });
    report(a, { qps: -5, application: 0.1 });
    report(a, ["endpoint-load-metrics-bin", "CQ=="]);
    report(a, ["endpoint-load-metrics-bin", "?"]);
    report(a, []);
    near(weightOf(a), 200);
  });

  test("takes no notice of a report that no backend can mean: others have their turns whatever one says", async () => {
    const { report, a, b, share, clock, weightOf } = setUp({ blackoutMs: 0 });
    for (const mad of [
      { qps: 1e300, application: 1e-5 },
      { qps: 1e-300, application: 1e20 },
      { qps: 1, application: 1e-13 },
      { qps: 1, application: 1e300, eps: 1e300 },
    ]) {
      report(a, mad);
      assert.equal(weightOf(a), undefined);
    }
    report(a, { qps: 100, application: 0.5 });
    report(b, { qps: 100, application: 0.5 });
    report(a, { qps: 1e308, application: 1 });
    await clock.advance(1_000);
    near(share(), 0.5);
  });

  test("uses no weight in the first 10 s after a backend's first report, nor after it was lost", async () => {
    const { report, a, b, weightOf, clock, list, policy } = setUp();
    report(a, { qps: 100, application: 0.5 });
    report(b, { qps: 100, application: 0.5 });
    await clock.advance(9_999);
    assert.equal(weightOf(a), undefined);
    await clock.advance(1);
    near(weightOf(a), 200);
    a.state = "idle";
    policy.update(list);
    a.state = "ready";
    policy.update(list);
    report(a, { qps: 100, application: 0.5 });
    assert.equal(weightOf(a), undefined);
    near(weightOf(b), 200);
  });

  test("forgets a weight after 3 minutes without a report, and begins with the blackout again", async () => {
    const { report, a, weightOf, clock } = setUp();
    report(a, { qps: 100, application: 0.5 });
    await clock.advance(179_999);
    near(weightOf(a), 200);
    await clock.advance(1);
    assert.equal(weightOf(a), undefined);
    report(a, { qps: 100, application: 0.5 });
    assert.equal(weightOf(a), undefined);
    await clock.advance(10_000);
    near(weightOf(a), 200);
  });

  test("gives a backend without a weight the mean of the others", async () => {
    const { report, a, b, counts, clock } = setUp({ blackoutMs: 0 }, ["a", "b", "c"]);
    report(a, { qps: 100, application: 1 });
    report(b, { qps: 300, application: 1 });
    await clock.advance(1_000);
    for (const [i, expected] of [1_000, 3_000, 2_000].entries()) near(counts(6_000)[i], expected);
  });

  test("is round robin while fewer than two have a weight", async () => {
    const { report, a, counts, clock } = setUp({ blackoutMs: 0 }, ["a", "b", "c"]);
    report(a, { qps: 100, application: 0.01 });
    await clock.advance(1_000);
    assert.deepEqual(counts(999), [333, 333, 333]);
  });

  test("makes turns anew each second, or as often as weightUpdateMs says", async () => {
    const { report, a, b, share, clock } = setUp({ blackoutMs: 0, weightUpdateMs: 100 });
    report(a, { qps: 300, application: 1 });
    report(b, { qps: 100, application: 1 });
    await clock.advance(99);
    assert.equal(share(), 0.5);
    await clock.advance(1);
    near(share(), 0.75);
  });

  test("multiplies the weight of the reports by the backend's own", async () => {
    const { report, a, b, share, clock } = setUp({ blackoutMs: 0 });
    a.weight = 3;
    report(a, { qps: 100, application: 1 });
    report(b, { qps: 100, application: 1 });
    await clock.advance(1_000);
    near(share(), 0.75);
  });

  test("follows no call where reports come out of band only", () => {
    assert.equal(setUp({ loadReports: "out-of-band" }).picked()?.tracker, undefined);
    assert.notEqual(setUp({ loadReports: "both" }).picked()?.tracker, undefined);
  });

  test("leaves no timer: none while nothing is ready, and none after close", async () => {
    const { policy, list, clock } = setUp();
    assert.equal(clock.pending, 1);
    for (const backend of list) backend.state = "idle";
    policy.update(list);
    assert.equal(clock.pending, 0);
    for (const backend of list) backend.state = "ready";
    policy.update(list);
    await clock.advance(5_000);
    assert.equal(clock.pending, 1);
    policy.close();
    assert.equal(clock.pending, 0);
  });

  test("says what is wrong with its options", () => {
    for (const [options, text] of [
      [{ weightUpdateMs: 99 }, /weightUpdateMs must be a number from 100/],
      [{ blackoutMs: -1 }, /blackoutMs must be a number from 0/],
      [{ weightExpirationMs: -1 }, /weightExpirationMs must be/],
      [{ errorUtilizationPenalty: -1 }, /errorUtilizationPenalty must be/],
      [{ utilizationMetrics: "cpu" }, /utilizationMetrics must be an array of names/],
      [{ loadReports: "trailer" }, /loadReports must be "per-call", "out-of-band" or "both", not the string "trailer"/],
      [{ loadReports: "both", outOfBandIntervalMs: 99 }, /outOfBandIntervalMs must be a number from 100/],
      [{ outOfBandIntervalMs: 1_000 }, /outOfBandIntervalMs has no effect without loadReports/],
      [{ blackout: 1 }, /has no field "blackout"/],
    ] as const) {
      assert.throws(() => weightedRoundRobin(options as unknown as WeightedRoundRobinOptions), text);
    }
  });
});
