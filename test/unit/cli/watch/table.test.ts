import assert from "node:assert/strict";
import { test } from "node:test";
import { Output } from "../../../../src/cli/output.ts";
import { type PoolView, poolViewOf } from "../../../../src/cli/watch/pool-view.ts";
import { Rates } from "../../../../src/cli/watch/rates.ts";
import { frame } from "../../../../src/cli/watch/table.ts";
import { KeptText } from "../../../support/command-line.ts";

const nowMs = Date.UTC(2026, 0, 1);

/** A snapshot as another process sends it. */
function snapshot(backends: number, more: object = {}): object {
  return {
    target: "http://echo.test",
    state: "ready",
    loadBalancing: "round_robin",
    takenAtMs: nowMs,
    openCalls: 2,
    subchannels: Array.from({ length: backends }, (_, i) => ({
      address: `10.0.0.${i + 1}:50051`,
      state: i === backends - 1 ? "transient-failure" : "ready",
      availability: i === 1 ? "suspect" : "usable",
      stateSinceMs: nowMs - 60_000 * i,
      openCalls: i,
      callsStarted: 100 * i,
      callsFailed: i,
      ...(i === backends - 1 && { lastError: { message: "cannot connect: ECONNREFUSED" } }),
    })),
    ...more,
  };
}

function viewOf(value: unknown): PoolView {
  const view = poolViewOf(value);
  assert.ok(view !== undefined);
  return view;
}

function lines(
  pools: readonly PoolView[] | undefined,
  size: readonly [columns: number, rows: number] = [80, 24],
): string[] {
  const stdout = new KeptText();
  [stdout.columns, stdout.rows] = size;
  const rates = new Rates();
  if (pools !== undefined) rates.note(pools);
  return frame({ title: "glink watch", pools, rates, trouble: undefined }, new Output(stdout, stdout, {}));
}

test("a pool is a table that fills 80 columns: address, state, since when, open calls, rate, failures", () => {
  const [, , target, facts, heading, ...rows] = lines([viewOf(snapshot(3))]);
  assert.equal(target, "http://echo.test  ready");
  assert.equal(facts, "3 backends, round_robin, 2 open");
  assert.equal(heading, `ADDRESS${" ".repeat(36)}STATE         FOR OPEN CALLS/S FAILED`);
  assert.equal(heading?.length, 80);
  assert.deepEqual(
    rows.map((row) => row.replaceAll(/ +/g, " ")),
    [
      "10.0.0.1:50051 ready 0 s 0 – 0",
      "10.0.0.2:50051 suspect 60 s 1 – 1",
      "10.0.0.3:50051 failing 2 min 2 – 2",
      "10.0.0.3:50051: cannot connect: ECONNREFUSED",
    ],
  );
});

test("no frame is wider or higher than its terminal, and what does not fit is counted, the worst shown", () => {
  for (const size of [
    [80, 24],
    [60, 20],
    [50, 8],
    [200, 60],
  ] as const) {
    for (const count of [0, 1, 3, 40]) {
      const shown = lines([viewOf(snapshot(count)), viewOf(snapshot(count))], size);
      assert.ok(shown.length < size[1], `${size}: ${shown.length} lines`);
      assert.ok(shown.every((line) => line.length <= size[0]));
    }
  }
  const shown = lines([viewOf(snapshot(40))], [60, 20]);
  assert.ok(shown.some((line) => line.startsWith("10.0.0.40:50051")));
  assert.ok(shown.some((line) => /^… and \d+ more$/.test(line)));
});

test("before the first answer, and without transports, that is said", () => {
  assert.deepEqual(lines(undefined), ["glink watch", "waiting for the first answer …"]);
  assert.deepEqual(lines([]), ["glink watch", "there are no transports"]);
});

test("rates are those between two looks; a backend that came back counts from 0", () => {
  const rates = new Rates();
  const look = (atMs: number, callsStarted: number) =>
    rates.note([viewOf(snapshot(0, { takenAtMs: atMs, subchannels: [{ address: "a", callsStarted }] }))]);
  look(nowMs, 100);
  assert.equal(rates.of(0, "a"), undefined);
  look(nowMs + 2_000, 150);
  assert.equal(rates.of(0, "a"), 25);
  look(nowMs + 3_000, 10);
  assert.equal(rates.of(0, "a"), undefined);
});

test("another process' snapshot may be anything, and reaches no terminal", () => {
  for (const value of [undefined, null, 1, "x", [], {}, { target: 1, subchannels: [] }, { target: "x" }]) {
    assert.equal(poolViewOf(value), undefined);
  }
  const hostile = viewOf({
    target: "\x1b]0;title\x07",
    subchannels: [null, 1, { address: "\x1b[2J", state: {}, openCalls: "many", lastError: { message: "\x9b1m" } }],
    resolution: { lastError: { message: "a\nb" } },
  });
  for (const line of lines([hostile])) assert.doesNotMatch(line, /[\p{Cc}]/u);
});
