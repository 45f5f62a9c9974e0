import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { Code } from "@connectrpc/connect";
import { type PeakEwmaOptions, peakEwma } from "../../../src/balancing/peak-ewma.ts";
import type { Failure } from "../../../src/base/errors.ts";
import { backends, type FakeBackend } from "../../support/fake-backend.ts";
import { pickInfo } from "../../support/fake-pool.ts";
import { callOn, pickingFrom } from "../../support/picks.ts";

function failureOf(code: Code, kind: Failure["kind"] = "status"): Failure {
  return { kind, code, progress: "unknown", message: "no" };
}

/** Two backends of which the first has a latency of 100 ms and the other one of 10 ms, measured just now. */
async function measured(options?: PeakEwmaOptions) {
  const list = backends("slow", "fast") as [FakeBackend, FakeBackend];
  const all = pickingFrom(peakEwma(options), list);
  const callTo = (backend: FakeBackend, changes = {}) => {
    const other = list.find((one) => one !== backend);
    if (other !== undefined) other.full = true;
    const end = callOn(all.picked(changes));
    if (other !== undefined) other.full = false;
    return end;
  };
  callTo(list[0])(100);
  callTo(list[1])(10);
  const factsOf = (backend: FakeBackend) => all.factsOf(backend)?.expectedMs ?? Number.NaN;
  /** Latencies, as a call that begins and ends now makes the policy see them. */
  return { ...all, list, slow: list[0], fast: list[1], callTo, expectedMs: factsOf };
}

const near = (value: number, expected: number) =>
  assert.ok(Math.abs(value - expected) <= expected * 1e-6, `${value} is not ${expected}`);

describe("peakEwma", () => {
  test("picks the lower product of latency and open calls", async () => {
    const { counts, callTo, fast } = await measured();
    assert.deepEqual(counts(100), [0, 100]);
    const ends = Array.from({ length: 8 }, () => callTo(fast));
    assert.deepEqual(counts(100), [0, 100], "nine times 10 ms");
    ends.push(callTo(fast), callTo(fast));
    assert.deepEqual(counts(100), [100, 0]);
    for (const end of ends) end(10);
    assert.deepEqual(counts(100), [0, 100]);
  });

  test("takes a peak at once and in full", async () => {
    const { callTo, fast, expectedMs } = await measured();
    callTo(fast)(400);
    near(expectedMs(fast), 400);
  });

  test("decays to a third in 10 s, and averages what is faster in by the time that passed", async () => {
    const { callTo, slow, expectedMs, clock } = await measured();
    await clock.advance(10_000);
    near(expectedMs(slow), 100 / Math.E);
    callTo(slow)(10);
    near(expectedMs(slow), 100 / Math.E + 10 * (1 - 1 / Math.E));
  });

  test("decays within decayMs", async () => {
    const { slow, expectedMs, clock } = await measured({ decayMs: 100 });
    await clock.advance(300);
    near(expectedMs(slow), 100 / Math.E ** 3);
  });

  test("gives a backend of which nothing is known one call, and no more until that has ended", () => {
    const list = backends("a", "b");
    const { picked, counts } = pickingFrom(peakEwma(), list);
    callOn(picked())(500);
    const known = counts(100)[0] === 100 ? 1 : 0;
    const unknown = list[1 - known] as FakeBackend;
    assert.equal(picked()?.backend, unknown);
    const end = callOn(picked());
    assert.equal(counts(100)[known], 100, "its first call is still open");
    end(1);
    assert.equal(counts(100)[known], 0);
  });

  test("charges 5 s for a failure that is the server's fault, by its share where it is a single one", async () => {
    const { callTo, fast, slow, expectedMs, clock, counts } = await measured();
    await clock.advance(100);
    callTo(fast)(0.1, { failure: failureOf(Code.Unavailable) });
    const kept = Math.exp(-100 / 10_000);
    near(expectedMs(fast), 10 * kept + 5_000 * (1 - kept));
    assert.ok(expectedMs(fast) < expectedMs(slow), "one of many costs little");
    callTo(fast)(10);
    callTo(fast)(0.1, { failure: failureOf(Code.Unavailable) });
    assert.ok(expectedMs(fast) < expectedMs(slow), "nor another one after a call that succeeded");
    callTo(fast)(0.1, { failure: failureOf(Code.Unavailable) });
    near(expectedMs(fast), 5_000);
    assert.deepEqual(counts(100), [100, 0], "what fails call after call, however fast, attracts nothing");
  });

  test("charges nothing for what is the request's fault, or decided on this side", async () => {
    const { callTo, fast, expectedMs } = await measured();
    for (const failure of [
      failureOf(Code.NotFound),
      failureOf(Code.InvalidArgument),
      failureOf(Code.ResourceExhausted, "message-size"),
      failureOf(Code.Unavailable, "closed"),
    ]) {
      callTo(fast)(10, { failure });
      near(expectedMs(fast), 10);
    }
  });

  test("learns from a call that its caller gave up only that it takes longer", async () => {
    const { callTo, fast, expectedMs, clock } = await measured();
    const failure = failureOf(Code.Canceled, "canceled");
    await clock.advance(10_000);
    callTo(fast)(1, { failure });
    near(expectedMs(fast), 10 / Math.E);
    callTo(fast)(50, { failure });
    near(expectedMs(fast), 50);
  });

  test("counts a stream while it is open, and not how long it was", async () => {
    const { callTo, fast, expectedMs, counts } = await measured();
    const stream = { method: { ...pickInfo.method, singleResponse: false } };
    const ends = Array.from({ length: 12 }, () => callTo(fast, stream));
    assert.deepEqual(counts(100), [100, 0]);
    for (const end of ends) end(3_600_000);
    near(expectedMs(fast), 10);
    assert.deepEqual(counts(100), [0, 100]);
  });

  test("counts a stream that fails by the server's fault", async () => {
    const { callTo, fast, expectedMs, clock } = await measured();
    await clock.advance(10_000);
    const stream = { method: { ...pickInfo.method, singleResponse: false } };
    callTo(fast, stream)(1, { failure: failureOf(Code.Unavailable, "connection-lost") });
    near(expectedMs(fast), 10 / Math.E + 5_000 * (1 - 1 / Math.E));
  });

  test("goes by open calls among backends that are idle for long", async () => {
    const { callTo, fast, slow, counts, clock } = await measured();
    await clock.advance(3_600_000);
    callTo(slow)(0.01);
    callTo(slow);
    assert.deepEqual(counts(100), [0, 100]);
    callTo(fast);
    callTo(fast);
    assert.deepEqual(counts(100), [100, 0]);
  });

  test("keeps what it knows while others come and go, and forgets a backend that was lost", async () => {
    const { policy, list, slow, fast, expectedMs } = await measured();
    const [other] = backends("other") as [FakeBackend];
    policy.update([...list, other]);
    near(expectedMs(slow), 100);
    fast.state = "transient-failure";
    policy.update([...list]);
    fast.state = "ready";
    policy.update([...list]);
    assert.ok(Number.isNaN(expectedMs(fast)));
    near(expectedMs(slow), 100);
  });

  test("says what is wrong with its options", () => {
    assert.throws(() => peakEwma({ decayMs: 99 }), /peakEwma: decayMs must be a number from 100 to 600000, not 99/);
    assert.throws(() => peakEwma({ failurePenaltyMs: -1 }), /peakEwma: failurePenaltyMs must be/);
    assert.throws(() => peakEwma({ decay: 1 } as PeakEwmaOptions), /has no field "decay"/);
  });
});
