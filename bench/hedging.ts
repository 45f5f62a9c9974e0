import { createServer, type Http2Server } from "node:http2";
import type { AddressInfo } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { parseArgs } from "node:util";
import { createClient } from "@connectrpc/connect";
import { EchoService } from "../proto/gen/glink/demo/v1/echo_pb.js";
import { glinkTransport, type HedgingOptions, staticResolver } from "../src/index.ts";
import type { Random } from "../src/runtime/random.ts";
import { seededRandom } from "../test/support/random.ts";
import { quantile } from "./statistics.ts";

// What hedging does to a tail, on real servers: 1 % of the answers take a hundred times as long as the others. Rounds with
// and without it in turn. Calls come at their own pace, as those of a server's users do: were each to wait for another, those
// without hedging would be half as many a second. Exit code 1 where hedging at p95 leaves more than a tenth of p99.9, or costs more than 6 %.

const usage = `npm run bench:hedging -- [options]

  --calls N     of each round (default 10000)
  --rounds N    of each kind (default 3)
  --seed N      of the first round; each has the next one (default 1)
  --rate N      calls in a second (default 500)
  --scale N     all answers take N times as long (default 1): on a busy machine its own pauses are longer than the answers`;

const { values } = parseArgs({
  options: {
    help: { type: "boolean", short: "h", default: false },
    calls: { type: "string", default: "10000" },
    rounds: { type: "string", default: "3" },
    seed: { type: "string", default: "1" },
    rate: { type: "string", default: "500" },
    scale: { type: "string", default: "1" },
  },
});

const backends = 3;
const scale = Number(values.scale);
const fastMs = [5 * scale, 15 * scale] as const;
const slowMs = 1_000 * scale;
const slowShare = 0.01;
const warmUpCalls = 2_000;

/** What the servers have started, and what they decide by. */
interface Load {
  executions: number;
  random: Random;
}

async function startServer(load: Load): Promise<Http2Server> {
  const server = createServer();
  server.on("stream", (stream) => {
    load.executions++;
    const [least, most] = fastMs;
    const delayMs = load.random.next() < slowShare ? slowMs : least + load.random.next() * (most - least);
    const timer = setTimeout(() => {
      stream.respond({ ":status": 200, "content-type": "application/grpc+proto" }, { waitForTrailers: true });
      stream.on("wantTrailers", () => stream.sendTrailers({ "grpc-status": "0" }));
      stream.end(Buffer.alloc(5));
    }, delayMs);
    stream
      .on("error", () => undefined)
      .on("close", () => clearTimeout(timer))
      .resume();
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return server;
}

interface Round {
  readonly p50: number;
  readonly p99: number;
  readonly p999: number;
  /** Executions at the servers beyond one for each call, as a share of the calls. */
  readonly extra: number;
}

async function measure(addresses: readonly string[], load: Load, hedging: Partial<HedgingOptions> | false) {
  const calls = Number(values.calls);
  const rate = Number(values.rate);
  const transport = glinkTransport({ baseUrl: "http://echo.test", resolver: staticResolver(addresses), hedging });
  const client = createClient(EchoService, transport);
  const latencies: number[] = [];
  const call = async () => {
    const startedMs = performance.now();
    await client.unaryIdempotent({});
    latencies.push(performance.now() - startedMs);
  };
  const make = async (count: number, perSecond: number) => {
    const beganMs = performance.now();
    const made: Promise<void>[] = [];
    while (made.length < count) {
      const due = Math.ceil(((performance.now() - beganMs) / 1_000) * perSecond);
      while (made.length < Math.min(due, count)) made.push(call());
      await sleep(1);
    }
    await Promise.all(made);
  };
  // The code is compiled, the pool connected, and the percentile known from what is usual.
  await make(warmUpCalls, rate);
  latencies.length = 0;
  load.executions = 0;
  await make(calls, rate);
  await transport.close();
  latencies.sort((a, b) => a - b);
  const [p50, p99, p999] = [0.5, 0.99, 0.999].map((q) => quantile(latencies, q)) as [number, number, number];
  return { p50, p99, p999, extra: load.executions / calls - 1 };
}

function print(name: string, { p50, p99, p999, extra }: Round): void {
  const figures = [p50, p99, p999].map((ms) => `${ms.toFixed(1)} ms`.padStart(10)).join("");
  console.log(`${name.padEnd(24)}${figures}${`${(extra * 100).toFixed(2)} %`.padStart(10)}`);
}

function median(rounds: readonly Round[], field: keyof Round): number {
  return quantile(
    rounds.map((round) => round[field]).sort((a, b) => a - b),
    0.5,
  );
}

async function run(): Promise<void> {
  const load: Load = { executions: 0, random: seededRandom(0) };
  const servers = await Promise.all(Array.from({ length: backends }, () => startServer(load)));
  const addresses = servers.map((server) => `127.0.0.1:${(server.address() as AddressInfo).port}`);
  const rounds: Record<"without" | "p95", Round[]> = { without: [], p95: [] };
  console.log(`${"round".padEnd(24)}${["p50", "p99", "p99.9", "extra"].map((name) => name.padStart(10)).join("")}`);
  for (let i = 0; i < Number(values.rounds); i++) {
    const seed = Number(values.seed) + i;
    for (const kind of ["without", "p95"] as const) {
      load.random = seededRandom(seed);
      const round = await measure(addresses, load, kind === "p95" ? { delayMs: "p95" } : false);
      rounds[kind].push(round);
      print(`${kind}, seed ${seed}`, round);
      await sleep(100);
    }
  }
  const share = median(rounds.p95, "p999") / median(rounds.without, "p999");
  const extra = median(rounds.p95, "extra");
  console.log(
    `p99.9 with hedging is ${(share * 100).toFixed(1)} % of that without; extra load ${(extra * 100).toFixed(2)} %`,
  );
  for (const server of servers) server.close();
  process.exitCode = share <= 0.1 && extra <= 0.06 ? 0 : 1;
}

if (values.help) console.log(usage);
else await run();
