import { createServer, type Http2Server, type ServerHttp2Session } from "node:http2";
import type { AddressInfo } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { Code, ConnectError, createClient } from "@connectrpc/connect";
import { connectNodeAdapter } from "@connectrpc/connect-node";
import { EchoService } from "../../proto/gen/glink/demo/v1/echo_pb.js";
import { glinkTransport, type LoadBalancing, staticResolver } from "../../src/index.ts";
import { quantile } from "../statistics.ts";

/** What one server does with a call. */
export type Behaviour = { readonly delayMs: number } | { readonly fails: true };

/** How calls at a steady rate fared. */
export interface Run {
  /** Of each server. */
  readonly shares: readonly number[];
  readonly failed: number;
  readonly p99Ms: number;
}

class BenchServer {
  calls = 0;
  readonly #server: Http2Server;
  readonly #sessions = new Set<ServerHttp2Session>();

  constructor(behaviour: Behaviour) {
    const unary = async () => {
      this.calls++;
      if ("fails" in behaviour) throw new ConnectError("not now", Code.Unavailable);
      await sleep(behaviour.delayMs);
      return {};
    };
    this.#server = createServer(connectNodeAdapter({ routes: (router) => router.service(EchoService, { unary }) }));
    this.#server.on("session", (session) => this.#sessions.add(session));
  }

  async listen(): Promise<string> {
    await new Promise<void>((resolve) => this.#server.listen(0, "127.0.0.1", resolve));
    return `127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  close(): void {
    for (const session of this.#sessions) session.destroy();
    this.#server.close();
  }
}

/** So many calls, begun by the clock at `perSecond`, without retries. */
export async function run(
  loadBalancing: LoadBalancing,
  behaviours: readonly Behaviour[],
  calls: number,
  perSecond: number,
): Promise<Run> {
  const servers = behaviours.map((behaviour) => new BenchServer(behaviour));
  const addresses = await Promise.all(servers.map((server) => server.listen()));
  const resolver = staticResolver(addresses);
  const transport = glinkTransport({ baseUrl: "http://bench.test", resolver, loadBalancing, retry: false });
  const client = createClient(EchoService, transport);
  await transport.ready();
  await sleep(50);
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
  for (const server of servers) server.close();
  latencies.sort((a, b) => a - b);
  return { shares: servers.map((server) => server.calls / calls), failed, p99Ms: quantile(latencies, 0.99) };
}
