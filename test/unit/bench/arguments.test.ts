import assert from "node:assert/strict";
import { test } from "node:test";
import { readArguments } from "../../../bench/arguments.ts";
import { loads, report } from "../../../bench/loads.ts";

const namesOf = (args: readonly string[]) => readArguments(args).loads.map(({ name }) => name);

test("without options everything is measured, latency too", () => {
  assert.equal(readArguments([]).loads.length, loads.length);
  assert.ok(readArguments([]).latencyPeers.includes("glink"));
});

test("--only takes whole names, and parts of names", () => {
  assert.deepEqual(namesOf(["--only", "unary-gzip,pool-1000"]), ["unary-pool-1000", "unary-gzip"]);
  assert.deepEqual(readArguments(["--only", "unary-gzip"]).latencyPeers, []);
});

test("--only latency measures that alone", () => {
  const { loads, latencyPeers, programs } = readArguments(["--only", "latency", "--peers", "glink,grpc-go"]);
  assert.deepEqual([loads, programs], [[], []]);
  assert.deepEqual(latencyPeers, ["grpc-go", "glink"]);
});

test("benchmarks that are programs of their own are part of a report, and are measured where they are named", () => {
  assert.deepEqual(readArguments([]).programs, []);
  assert.deepEqual(readArguments(["--report"]).programs, ["scale", "loading"]);
  const { loads, programs } = readArguments(["--only", "scale"]);
  assert.deepEqual([loads, programs], [[], ["scale"]]);
});

test("a report has seven processes of clients that budgets compare, other Nodes on some loads, and a file of its own", () => {
  const { pace, json, nodeVersions, variantLoads } = readArguments(["--report"]);
  assert.deepEqual([pace.processes, pace.otherProcesses], [7, 3]);
  assert.equal(json, "bench/results/latest.json");
  assert.deepEqual(namesOf(["--report"]).sort(), [...report.loads].sort());
  assert.deepEqual(
    { nodeVersions, variantLoads },
    { nodeVersions: report.nodeVersions, variantLoads: report.variantLoads },
  );
});

test("what is asked for goes before what a kind of run chooses", () => {
  const { pace, json } = readArguments(["--report", "--processes", "1", "--json"]);
  assert.deepEqual([pace.processes, pace.otherProcesses, json], [1, 1, "-"]);
});

for (const [args, message] of [
  [["--only", "unary-c33"], /--only unary-c33 names none of: unary-c1, /],
  [["--peers", "glimk"], /unknown peer glimk: one of floor, /],
  [["--processes", "0"], /--processes must be a whole number from 1, not 0/],
  [["--quick", "--report"], /--quick and --report are two kinds of run/],
] as const) {
  test(`${args.join(" ")} is refused`, () => assert.throws(() => readArguments(args), message));
}
