import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { createClient } from "@connectrpc/connect";
import { EchoService } from "../../proto/gen/glink/demo/v1/echo_pb.js";
import { type GlinkTransportOptions, glinkTransport, staticResolver } from "../../src/index.ts";
import { LineProcess } from "../line-process.ts";
import { quantile } from "../statistics.ts";

/** What one server does with a call: so long a time, of as many calls at once as it has workers; the others wait there. */
export type Behaviour = { readonly delayMs: number; readonly workers?: number } | { readonly fails: true };

/** How calls at a steady rate fared. */
export interface Run {
  /** Of each server. */
  readonly shares: readonly number[];
  readonly failed: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
}

/** A server in a process of its own: neither it nor this one waits for the other's work. */
class BenchServer {
  readonly #process: LineProcess;

  constructor(behaviour: Behaviour) {
    const script = join(import.meta.dirname, "server.ts");
    this.#process = new LineProcess("bench server", process.execPath, [
      "--import",
      "tsx",
      script,
      JSON.stringify(behaviour),
    ]);
  }

  async address(): Promise<string> {
    return `127.0.0.1:${await this.#process.receive<number>()}`;
  }

  calls(): Promise<number> {
    this.#process.send({});
    return this.#process.receive<number>();
  }

  end(): Promise<void> {
    return this.#process.end();
  }
}

/** So many calls, begun by the clock at `perSecond`, without retries. */
export async function run(
  options: Pick<GlinkTransportOptions, "loadBalancing" | "outlierDetection">,
  behaviours: readonly Behaviour[],
  calls: number,
  perSecond: number,
): Promise<Run> {
  const servers = behaviours.map((behaviour) => new BenchServer(behaviour));
  const addresses = await Promise.all(servers.map((server) => server.address()));
  const resolver = staticResolver(addresses);
  const transport = glinkTransport({ baseUrl: "http://bench.test", resolver, retry: false, ...options });
  const client = createClient(EchoService, transport);
  await transport.ready();
  while (transport.snapshot().subchannels.some(({ state }) => state !== "ready")) await sleep(5);
  const latencies: number[] = [];
  let failed = 0;
  const startedMs = performance.now();
  const open: Promise<void>[] = [];
  while (open.length < calls) {
    const due = Math.min(calls, ((performance.now() - startedMs) * perSecond) / 1_000);
    while (open.length < due) {
      const callMs = performance.now();
      const call = client.unary({}).then(
        () => void latencies.push(performance.now() - callMs),
        () => void failed++,
      );
      open.push(call);
    }
    await sleep(1);
  }
  await Promise.all(open);
  await transport.close();
  const came = await Promise.all(servers.map((server) => server.calls()));
  await Promise.all(servers.map((server) => server.end()));
  latencies.sort((a, b) => a - b);
  const [p50Ms, p99Ms] = [quantile(latencies, 0.5), quantile(latencies, 0.99)];
  return { shares: came.map((count) => count / calls), failed, p50Ms, p99Ms };
}
