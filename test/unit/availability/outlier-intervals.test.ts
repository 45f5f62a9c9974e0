import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { Code } from "@connectrpc/connect";
import { checkAvailabilityOptions } from "../../../src/availability/availability-options.ts";
import type { OutlierInit } from "../../../src/availability/outlier-options.ts";
import {
  hasVolume,
  isAboveFailures,
  isExceptional,
  successRateLimit,
} from "../../../src/availability/outlier-statistics.ts";
import type { Failure } from "../../../src/base/errors.ts";
import type { Random } from "../../../src/runtime/random.ts";
import { fakePool, pickInfo } from "../../support/fake-pool.ts";
import { settle } from "../../support/manual-clock.ts";

const unavailable: Failure = { kind: "status", code: Code.Unavailable, progress: "unknown", message: "no" };
const request = { method: pickInfo.method, deadlineMs: Number.POSITIVE_INFINITY };

/** A pool in which runs of faults eject nobody, and `serve` says what the calls of each backend come to. */
async function poolOf(outlierDetection: OutlierInit, size = 10, random?: Random) {
  const availability = checkAvailabilityOptions({
    outlierDetection: { consecutiveFailures: Number.POSITIVE_INFINITY, ...outlierDetection },
  });
  const all = fakePool({ availability, ...(random === undefined ? {} : { random }) });
  all.pool.wake();
  all.resolver.report(...Array.from({ length: size }, (_, i) => `10.0.0.${i}`));
  await settle();
  const serve = (failures: readonly number[], calls = 100) =>
    all.pool.subchannels.forEach(({ connections }, i) => {
      for (let call = 0; call < calls; call++) {
        connections[0]?.noteEnd(call < (failures[i] ?? 0) ? unavailable : undefined, request);
      }
    });
  const ejected = () => all.pool.subchannels.flatMap(({ availability: is }, i) => (is === "ejected" ? [i] : []));
  return { ...all, serve, ejected };
}

describe("the success rate (gRFC A50)", () => {
  test("by default a backend is ejected after 10 s whose rate is below the mean by 1.9 standard deviations", async () => {
    const { serve, ejected, clock, events, close } = await poolOf({ successRate: {} });
    serve([50, 1]);
    await clock.advance(9_999);
    assert.deepEqual(ejected(), []);
    await clock.advance(1);
    assert.deepEqual(ejected(), [0]);
    assert.deepEqual(events.ofType("backend-ejected")[0]?.reason, "success-rate");
    close();
    // A turn of the event loop lets a few of them go.
    await settle();
    assert.equal(clock.pending, 0);
  });

  test("one that no more than five backends have calls enough for: 100 in an interval", async () => {
    for (const [size, calls, expected] of [
      [5, 100, [0]],
      [4, 100, []],
      [10, 99, []],
    ] as const) {
      // With five backends no rate can be 1.9 standard deviations below the mean of all but one far off.
      const { serve, ejected, clock, close } = await poolOf({ successRate: { stdevFactor: 1_000 } }, size);
      serve([50], calls);
      await clock.advance(10_000);
      assert.deepEqual(ejected(), expected, `${size} backends, ${calls} calls`);
      close();
    }
  });

  test("the standard deviation is that of the population, times stdevFactor / 1000", () => {
    const rates = [100, 100, 100, 100, 50].map((answers) => ({ answers, faults: 100 - answers }));
    const options = { stdevFactor: 1_900, enforcementPercentage: 100, minimumHosts: 5, requestVolume: 100 };
    assert.equal(successRateLimit(rates, options)?.toFixed(3), (0.9 - 1.9 * 0.2).toFixed(3));
    assert.equal(successRateLimit(rates, { ...options, minimumHosts: 6 }), undefined);
  });
});

describe("the failure percentage (gRFC A50)", () => {
  test("by default a backend is ejected more than 85 % of whose 50 calls or more failed", async () => {
    const { serve, ejected, clock, events, close } = await poolOf({ failurePercentage: {}, maxEjectionPercent: 50 });
    serve([43, 42, 0, 50], 50);
    await clock.advance(10_000);
    assert.deepEqual(ejected(), [0, 3]);
    assert.equal(events.ofType("backend-ejected")[0]?.reason, "failure-percentage");
    close();
  });

  test("its constants are those of A50", () => {
    const options = { threshold: 85, enforcementPercentage: 100, minimumHosts: 5, requestVolume: 50 };
    assert.equal(isAboveFailures({ answers: 15, faults: 85 }, options), false);
    assert.equal(isAboveFailures({ answers: 14, faults: 86 }, options), true);
    assert.equal(isAboveFailures({ answers: 0, faults: 49 }, options), false);
    const five = Array.from({ length: 5 }, () => ({ answers: 50, faults: 0 }));
    assert.equal(hasVolume(five, options), true);
    assert.equal(hasVolume(five.slice(1), options), false);
    const { successRate, failurePercentage } = checkOf({ successRate: {}, failurePercentage: {} });
    assert.deepEqual(failurePercentage, options);
    assert.deepEqual(successRate, {
      stdevFactor: 1_900,
      enforcementPercentage: 100,
      minimumHosts: 5,
      requestVolume: 100,
    });
  });

  test("enforcementPercentage says how many of those that are found are ejected", async () => {
    const rolls: number[] = [];
    const options = { failurePercentage: { enforcementPercentage: 50 }, maxEjectionPercent: 50 };
    const { serve, ejected, clock, close } = await poolOf(options, 10, { next: () => rolls.shift() ?? 0.5 });
    serve([100, 100, 100]);
    rolls.push(0.5, 0.49, 0.1);
    await clock.advance(10_000);
    assert.deepEqual(ejected(), [1, 2]);
    close();
  });
});

test("an interval begins with a fault: without faults nothing runs", async () => {
  const { serve, clock, pool, close } = await poolOf({ failurePercentage: {} });
  const { pending } = clock;
  serve([]);
  assert.equal(clock.pending, pending);
  serve([1]);
  assert.equal(clock.pending, pending + 1);
  await clock.advance(10_000);
  assert.equal(clock.pending, pending);
  assert.equal(pool.readyCount, 10);
  close();
});

test("what makes a run of faults no chance: others' answers since it began, and fewer than one fault in sixteen", () => {
  assert.equal(isExceptional(5, { answers: 0, faults: 0 }), false);
  assert.equal(isExceptional(5, { answers: 6, faults: 0 }), false);
  assert.equal(isExceptional(5, { answers: 7, faults: 0 }), true);
  assert.equal(isExceptional(5, { answers: 950, faults: 50 }), true);
  assert.equal(isExceptional(5, { answers: 930, faults: 70 }), false);
  assert.equal(isExceptional(1_000_000, { answers: 0, faults: 1_000 }), false);
  assert.equal(isExceptional(19, { answers: 500, faults: 500 }), false);
  assert.equal(isExceptional(20, { answers: 500, faults: 500 }), true);
});

test("the defaults are gRFC A50's and five failures in a row, and each field is checked", () => {
  const { successRate, failurePercentage, ...others } = checkOf({});
  assert.deepEqual([successRate, failurePercentage], [undefined, undefined]);
  assert.deepEqual(others, {
    consecutiveFailures: 5,
    intervalMs: 10_000,
    baseEjectionMs: 30_000,
    maxEjectionMs: 300_000,
    maxEjectionPercent: 10,
  });
  const wrong: [unknown, RegExp][] = [
    [true, /outlierDetection must be false or an object, not true/],
    [null, /outlierDetection must be false or an object, not null/],
    [{ consecutive: 5 }, /outlierDetection has no field "consecutive"/],
    [{ consecutiveFailures: 0 }, /outlierDetection\.consecutiveFailures must be an integer from 1/],
    [{ intervalMs: 1 }, /outlierDetection\.intervalMs must be a number from 100/],
    [{ baseEjectionMs: 0 }, /outlierDetection\.baseEjectionMs/],
    [{ maxEjectionMs: "1" }, /outlierDetection\.maxEjectionMs/],
    [{ maxEjectionPercent: 101 }, /outlierDetection\.maxEjectionPercent must be a number from 0 to 100/],
    [{ successRate: true }, /outlierDetection\.successRate must be an object/],
    [{ successRate: { stdev: 1 } }, /outlierDetection\.successRate has no field "stdev"/],
    [{ failurePercentage: { threshold: 200 } }, /outlierDetection\.failurePercentage\.threshold/],
    [{ failurePercentage: { requestVolume: 0 } }, /outlierDetection\.failurePercentage\.requestVolume/],
  ];
  for (const [value, message] of wrong) {
    assert.throws(() => checkAvailabilityOptions({ outlierDetection: value as OutlierInit }), { message });
  }
  assert.throws(() => checkAvailabilityOptions({ panicThreshold: 1.1 }), /panicThreshold must be a number from 0 to 1/);
  assert.equal(checkAvailabilityOptions({ outlierDetection: false }).outlierDetection, false);
});

function checkOf(given: OutlierInit) {
  const { outlierDetection } = checkAvailabilityOptions({ outlierDetection: given });
  assert.ok(outlierDetection !== false);
  return outlierDetection;
}

test("of a backend that leaves and comes back within an interval only the calls since then count, of others all", async () => {
  const addresses = Array.from({ length: 10 }, (_, i) => `10.0.0.${i}`);
  const { serve, ejected, resolver, clock, close } = await poolOf({ failurePercentage: {}, maxEjectionPercent: 100 });
  serve([100, 100], 100);
  resolver.report(...addresses.slice(1));
  await settle();
  resolver.report(...addresses);
  await settle();
  await clock.advance(10_000);
  assert.deepEqual(ejected(), [1]);
  close();
});
