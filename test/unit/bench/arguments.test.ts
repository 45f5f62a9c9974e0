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
  const { loads, latencyPeers } = readArguments(["--only", "latency", "--peers", "glink,grpc-go"]);
  assert.deepEqual(loads, []);
  assert.deepEqual(latencyPeers, ["grpc-go", "glink"]);
});

test("a report has seven processes of each client, other Nodes on some loads, and a file of its own", () => {
  const { pace, json, nodeVersions, variantLoads } = readArguments(["--report"]);
  assert.equal(pace.processes, 7);
  assert.equal(json, "bench/results/latest.json");
  assert.deepEqual(namesOf(["--report"]).sort(), [...report.loads].sort());
  assert.deepEqual(
    { nodeVersions, variantLoads },
    { nodeVersions: report.nodeVersions, variantLoads: report.variantLoads },
  );
});

test("what is asked for goes before what a kind of run chooses", () => {
  const { pace, json } = readArguments(["--report", "--processes", "1", "--json"]);
  assert.deepEqual({ processes: pace.processes, json }, { processes: 1, json: "-" });
});

for (const [args, message] of [
  [["--only", "unary-c33"], /--only unary-c33 names none of: unary-c1, /],
  [["--peers", "glimk"], /unknown peer glimk: one of floor, /],
  [["--processes", "0"], /--processes must be a whole number from 1, not 0/],
  [["--quick", "--report"], /--quick and --report are two kinds of run/],
] as const) {
  test(`${args.join(" ")} is refused`, () => assert.throws(() => readArguments(args), message));
}
