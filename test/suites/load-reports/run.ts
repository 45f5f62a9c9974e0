import assert from "node:assert/strict";
import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { setTimeout as sleep } from "node:timers/promises";
import { createClient } from "@connectrpc/connect";
import { EchoService } from "../../../proto/gen/glink/demo/v1/echo_pb.js";
import {
  glinkTransport,
  staticResolver,
  type WeightedRoundRobinOptions,
  weightedRoundRobin,
} from "../../../src/index.ts";
import { hasGo } from "../../support/go-tools.ts";
import { freePort } from "../../support/programs.ts";

/*
 * npm run load-reports
 * Servers that report their load by grpc-go's ORCA, at utilizations of 1 : 2 : 4: weightedRoundRobin with its defaults gives
 * them 4 : 2 : 1 of the calls, ± 5 %, within 15 s of the first. Needs Go.
 */

const utilizations = [0.2, 0.4, 0.8];
const expected = [4 / 7, 2 / 7, 1 / 7];
/** The blackout of 10 s, a second until turns are made anew, and what a slow machine needs. */
const withinMs = 15_000;
const measuredCalls = 700;

interface Scenario {
  readonly name: string;
  readonly flags: readonly string[];
  readonly options: WeightedRoundRobinOptions;
  /** What is said, once, of servers that do not report out of band. */
  readonly hints?: readonly string[];
}

const scenarios: readonly Scenario[] = [
  { name: "with each call", flags: ["-per-call"], options: {} },
  { name: "out of band", flags: ["-out-of-band"], options: { loadReports: "out-of-band" } },
  { name: "both", flags: ["-per-call", "-out-of-band"], options: { loadReports: "both" } },
  {
    name: "with each call, asked for both",
    flags: ["-per-call"],
    options: { loadReports: "both" },
    hints: ["no-such-method"],
  },
];

async function main(): Promise<void> {
  if (!hasGo()) {
    console.log("skipped: Go is not installed");
    return;
  }
  const program = build();
  const outcomes = await Promise.all(scenarios.map((scenario) => follow(program, scenario)));
  for (const text of outcomes) console.log(text);
}

function build(): string {
  const path = join(import.meta.dirname, "../../../.cache/go/load-reports");
  mkdirSync(join(path, ".."), { recursive: true });
  execFileSync("go", ["build", "-o", path, "."], { cwd: join(import.meta.dirname, "server"), stdio: "inherit" });
  return path;
}

/** Calls at a steady rate until the shares are right. Throws if they are not in time. */
async function follow(program: string, { name, flags, options, hints: expectedHints = [] }: Scenario): Promise<string> {
  const addresses = await Promise.all(utilizations.map(async () => `127.0.0.1:${await freePort()}`));
  const given = ["-addresses", addresses.join(","), "-utilizations", utilizations.join(",")];
  const child = spawn(program, [...given, ...flags], { stdio: ["pipe", "pipe", "inherit"] });
  const hints: string[] = [];
  const transport = glinkTransport({
    baseUrl: "http://reports.test",
    resolver: staticResolver(addresses),
    loadBalancing: weightedRoundRobin(options),
    retry: false,
  });
  transport.subscribe((event) => event.type === "hint" && hints.push(event.hint));
  try {
    await once(createInterface(child.stdout), "line");
    await transport.ready();
    const client = createClient(EchoService, transport);
    const startedMs = performance.now();
    const calls = () => transport.snapshot().subchannels.map(({ callsStarted }) => callsStarted);
    for (;;) {
      const before = calls();
      for (let i = 0; i < measuredCalls; i++) {
        await client.unary({});
        if (i % 7 === 0) await sleep(5);
      }
      const elapsedMs = performance.now() - startedMs;
      const shares = calls().map((count, i) => (count - (before[i] as number)) / measuredCalls);
      const text = shares.map((share) => `${(share * 100).toFixed(1)} %`).join(", ");
      if (shares.every((share, i) => Math.abs(share - (expected[i] as number)) <= 0.05 * (expected[i] as number))) {
        assert.deepEqual(hints, expectedHints);
        return `${name}: ${text} after ${(elapsedMs / 1_000).toFixed(1)} s`;
      }
      if (elapsedMs > withinMs) throw new Error(`${name}: the shares are ${text} after ${elapsedMs.toFixed(0)} ms`);
    }
  } finally {
    await transport.close();
    child.stdin.end();
    await once(child, "exit");
  }
}

await main();
