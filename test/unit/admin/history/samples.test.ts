import assert from "node:assert/strict";
import { test } from "node:test";
import { Samples } from "../../../../src/admin/history/samples.ts";
import { snapshotOf } from "../../../support/snapshots.ts";

test("the newest sample that is old enough is what rates are measured from, else the eldest", () => {
  const samples = new Samples();
  for (const takenAtMs of [0, 2_000, 4_000, 6_000]) samples.add(snapshotOf({ takenAtMs }));
  assert.equal(samples.before(6_500, 2_000)?.atMs, 4_000);
  assert.equal(samples.before(6_500, 60_000)?.atMs, 0);
});

test("samples closer to each other than they need to be are one", () => {
  const samples = new Samples();
  for (const takenAtMs of [0, 100, 900, 1_500]) samples.add(snapshotOf({ takenAtMs }));
  assert.deepEqual(
    samples.all.map(({ atMs }) => atMs),
    [0, 1_500],
  );
});

test("one sample from before the window stays, so that its beginning is known", () => {
  const samples = new Samples();
  for (const takenAtMs of [0, 10_000, 20_000, 320_000]) samples.add(snapshotOf({ takenAtMs }));
  assert.deepEqual(
    samples.all.map(({ atMs }) => atMs),
    [20_000, 320_000],
  );
});

test("large pools are remembered for fewer samples", () => {
  const samples = new Samples();
  const backends = Array.from({ length: 30_000 }, (_, i) => ({
    address: `10.0.0.1:${i}`,
    callsStarted: 0,
    callsFailed: 0,
  }));
  for (let i = 0; i < 10; i++) samples.add(snapshotOf({ takenAtMs: i * 2_000, backends }));
  assert.equal(samples.all.length, 3);
  assert.equal(samples.isDue(1_000_000), false, "only who reads pays for a snapshot of them");
});

test("a wall clock that was set back begins anew", () => {
  const samples = new Samples();
  for (const takenAtMs of [50_000, 60_000, 10_000]) samples.add(snapshotOf({ takenAtMs }));
  assert.deepEqual(
    samples.all.map(({ atMs }) => atMs),
    [10_000],
  );
});
