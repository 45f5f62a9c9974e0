import assert from "node:assert/strict";
import { test } from "node:test";
import type { Random } from "../../../../src/runtime/random.ts";
import { type Simulation, simulate } from "./simulated-calls.ts";

// What hedging does to a tail, and what it costs: of the calls that p95 means to hedge there are five in a hundred, whatever
// latencies do. One in a hundred answers takes a hundred times as long, for which there is no reason but bad luck.

const hedging = { hedging: { delayMs: "p95" } } as const;
const usualMs = (random: Random) => (5 + random.next() * 10) * (random.next() < 0.01 ? 100 : 1);

/** Latencies as they are, but for a factor. */
const times = (factor: (nowMs: number) => number) => (nowMs: number, random: Random) => usualMs(random) * factor(nowMs);

/** The end of a pause that there is every `everyMs`, where `atMs` is in one. */
const afterPause = (everyMs: number, pauseMs: number) => (atMs: number) =>
  atMs % everyMs < pauseMs ? atMs - (atMs % everyMs) + pauseMs : atMs;

const serversPause = afterPause(1_000, 60);

const situations: Record<string, Pick<Simulation, "answerMs" | "stalledUntilMs" | "perSecond">> = {
  "latencies as ever": { answerMs: times(() => 1) },
  "latencies that rise threefold": { answerMs: times((nowMs) => 1 + (2 * Math.min(nowMs, 50_000)) / 50_000) },
  "latencies that are suddenly three times as long": { answerMs: times((nowMs) => (nowMs < 30_000 ? 1 : 3)) },
  "latencies that are suddenly a third": { answerMs: times((nowMs) => (nowMs < 30_000 ? 3 : 1)) },
  "latencies that come and go in waves": { answerMs: times((nowMs) => 1.5 + Math.sin(nowMs / 3_000)) },
  "servers that pause": {
    answerMs: (nowMs, random) => serversPause(nowMs + usualMs(random)) - nowMs,
    perSecond: 2_000,
  },
  "a client that pauses": { answerMs: times(() => 1), stalledUntilMs: afterPause(500, 40), perSecond: 1_000 },
};

for (const [name, situation] of Object.entries(situations)) {
  test(`hedging at p95 leaves a tenth of p99.9 for five more executions in a hundred: ${name}`, (t) => {
    const without = simulate({ seed: 1, config: {}, ...situation });
    const hedged = simulate({ seed: 1, config: hedging, ...situation });
    const [extra, ...p999] = [hedged.extra * 100, without.p999, hedged.p999].map((figure) => figure.toFixed(2));
    t.diagnostic(`p99.9 ${p999.join(" and ")} ms, extra ${extra} %, ${hedged.extraOfEachThousand}`);
    assert.equal(without.extra, 0);
    assert.ok(hedged.p999 <= without.p999 / 10, `${hedged.p999} of ${without.p999}`);
    assert.ok(hedged.extra >= 0.035 && hedged.extra <= 0.055, `${hedged.extra}`);
  });
}

test("of many calls that are late together few are hedged when they are due, and the others only if they are late for longer", (t) => {
  const pauseMs = 200;
  const situation = {
    answerMs: (nowMs: number, random: Random) =>
      5 + random.next() * 10 + (nowMs >= 5_000 && nowMs < 5_000 + pauseMs ? 30 : 0),
    perSecond: 3_000,
    warmUp: 14_000,
    count: 3_000,
  };
  const { extraOfEachThousand } = simulate({ seed: 1, config: hedging, ...situation });
  t.diagnostic(`${extraOfEachThousand}`);
  assert.ok(Math.max(...extraOfEachThousand) < 0.2, `${extraOfEachThousand}`);
});
