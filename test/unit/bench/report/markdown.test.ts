import assert from "node:assert/strict";
import { test } from "node:test";
import {
  costTable,
  latencyTable,
  provenance,
  shortCostTable,
  variantTable,
  verdictTable,
} from "../../../../bench/report/markdown.ts";
import { loadResult, resultOf } from "../results.ts";

const lastLine = (text: string) => text.split("\n").at(-1);

test("a load's row has every client, glink's ratio to Go with its range, and what is above no-network", () => {
  const clients = {
    createGrpcTransport: [767.4],
    "grpc-js": [350],
    glink: [20],
    "no-network": [12.5],
    "grpc-go": [40],
  };
  assert.equal(
    lastLine(costTable(resultOf({ loads: [loadResult("unary-c32", clients)] }))),
    "| unary-c32 | 767 | 350 | 20 | 40 | 0.50 (0.50–0.50) | 13 | 7.5 |",
  );
});

test("clients of other protocols stand in the columns of their own kind", () => {
  const clients = { createConnectTransport: [1_400], glink: [16, 20, 24], "connect-go": [40, 40, 40] };
  assert.equal(
    lastLine(costTable(resultOf({ loads: [loadResult("unary-connect", clients)] }))),
    "| unary-connect | 1 400 |  | 20 | 40 | 0.50 (0.40–0.60) |  |  |",
  );
});

test("README's table has its loads in words, and leaves empty what was not measured on them", () => {
  const large = loadResult("unary-64KiB", { glink: [228], "grpc-go": [236] });
  const rows = shortCostTable(resultOf({ loads: [large, loadResult("unary-c1", { glink: [150] })] }));
  assert.deepEqual(rows.split("\n").slice(2), ["| unary, 64 KiB |  |  | 228 | 236 |"]);
});

test("other Nodes and the other engine stand beside the first, on the loads that were measured on them", () => {
  const onBoth = loadResult("unary-c32", { glink: [20], "glink@24": [18], "glink-node": [180] });
  const rows = variantTable(resultOf({ loads: [onBoth, loadResult("unary-c1", { glink: [150] })] }));
  assert.deepEqual(rows.split("\n"), [
    '| load | Node 20.1.0 | Node 24.2.0 | `http2: "node"` |',
    "|---|---|---|---|",
    "| unary-c32 | 20 | 18 | 180 |",
  ]);
});

test("each budget has a row that says what was wanted and measured, and whether it was met", () => {
  const budgets = [
    { subject: "unary, small", wanted: "no more CPU than grpc-go", measured: "0.45 (0.43–0.48) ×", met: true },
    { subject: "unary, 1 MiB", wanted: "CPU at most 1.1 × grpc-go's", measured: "1.20 (1.00–1.30) ×", met: false },
  ];
  const text = verdictTable(resultOf({ budgets }));
  assert.match(text, /^1 of 2 are met\.$/m);
  assert.deepEqual(text.split("\n").slice(-2), [
    "| unary, small | no more CPU than grpc-go | 0.45 (0.43–0.48) × | met |",
    "| unary, 1 MiB | CPU at most 1.1 × grpc-go's | 1.20 (1.00–1.30) × | **missed** |",
  ]);
});

test("latency has a row for each share of what a client makes at the most", () => {
  const spread = (median: number) => ({ median, min: median / 2, max: 2 * median });
  const at = (share: number) => ({ share, p50Ms: spread(0.2), p99Ms: spread(3), p999Ms: spread(120) });
  const latency = [{ peer: "glink" as const, saturationPerSecond: spread(30_000), atShares: [at(0.2), at(0.8)] }];
  assert.deepEqual(latencyTable(resultOf({ latency })).split("\n").slice(2), [
    "| glink | 20 % | 6 000 | 0.200 (0.100–0.400) | 3.00 (1.50–6.00) | 120 (60.0–240) |",
    "| glink | 80 % | 24 000 | 0.200 (0.100–0.400) | 3.00 (1.50–6.00) | 120 (60.0–240) |",
  ]);
});

test("where figures come from is told with them", () => {
  const text = provenance(resultOf({}));
  assert.match(text, /`npm run bench`, 23 November 2026, commit 0123456789ab; A & B, 2 cores, shared, load 0\.3/);
  assert.match(text, /Node 20\.1\.0, grpc-go 1\.83\.1\.\nMedians of 3 processes of each client/);
});

test("where some clients had fewer processes than others, it is told", () => {
  const text = provenance(resultOf({ pace: { processes: 7, otherProcesses: 3, rounds: 2, windowMs: 300 } }));
  assert.match(text, /^Medians of 7 processes of glink, Go's clients and no-network, and of 3 of each other client, /m);
});
