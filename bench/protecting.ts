import { createServer, type ServerHttp2Stream } from "node:http2";
import type { AddressInfo } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { Code, ConnectError, createClient } from "@connectrpc/connect";
import { connectNodeAdapter } from "@connectrpc/connect-node";
import { EchoService } from "../proto/gen/glink/demo/v1/echo_pb.js";
import { type GlinkEvent, type GlinkTransportOptions, glinkTransport, staticResolver } from "../src/index.ts";
import { TestProcesses } from "../test/support/processes.ts";

// What backends that go wrong cost: real servers, defaults, and how many calls fail. `npm run bench:protecting`

interface BenchServer {
  readonly port: number;
  /** Calls that have begun. */
  calls: number;
  readonly sessions: () => number;
  /** What it says of its health from now on: 1 it serves, 2 it does not. */
  say(status: number): void;
  close(): void;
}

interface Behaviour {
  readonly failsWith?: Code;
  readonly delayMs?: number;
  readonly maxConcurrentStreams?: number;
}

async function serve({ failsWith, delayMs = 0, maxConcurrentStreams }: Behaviour = {}): Promise<BenchServer> {
  const watches = new Set<ServerHttp2Stream>();
  let health = 1;
  let sessions = 0;
  const all = new Set<{ destroy(): void }>();
  const result: BenchServer = {
    port: 0,
    calls: 0,
    sessions: () => sessions,
    say: (status) => {
      health = status;
      for (const stream of watches) stream.write(Buffer.from([0, 0, 0, 0, 2, 8, status]));
    },
    close: () => {
      server.close();
      for (const session of all) session.destroy();
    },
  };
  const echo = connectNodeAdapter({
    routes: (router) =>
      router.service(EchoService, {
        unary: async () => {
          result.calls++;
          if (delayMs > 0) await sleep(delayMs);
          if (failsWith !== undefined) throw new ConnectError("it is broken", failsWith);
          return {};
        },
      }),
  });
  const settings = maxConcurrentStreams === undefined ? {} : { maxConcurrentStreams };
  const server = createServer({ settings }, (request, response) => {
    if (request.url !== "/grpc.health.v1.Health/Watch") return echo(request, response);
    const { stream } = response;
    stream.respond({ ":status": 200, "content-type": "application/grpc" });
    stream.write(Buffer.from([0, 0, 0, 0, 2, 8, health]));
    watches.add(stream);
    stream.once("close", () => watches.delete(stream));
  });
  server.on("session", (session) => {
    sessions++;
    all.add(session);
    session.on("error", () => undefined);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return Object.assign(result, { port: (server.address() as AddressInfo).port });
}

/** A client of these ports, and what its transport tells. */
function clientOf(ports: readonly number[], options: Partial<GlinkTransportOptions> = {}) {
  const addresses = ports.map((port) => ({ host: "127.0.0.1", port }));
  const transport = glinkTransport({ baseUrl: "http://bench.test", resolver: staticResolver(addresses), ...options });
  const events: GlinkEvent[] = [];
  transport.subscribe((event) => events.push(event));
  const client = createClient(EchoService, transport);
  const ofType = (type: GlinkEvent["type"]) => events.filter((event) => event.type === type).length;
  return { transport, client, ofType };
}

/** `count` calls, so many a second, and how many failed. */
async function calls(
  client: ReturnType<typeof clientOf>["client"],
  count: number,
  perSecond: number,
  timeoutMs?: number,
) {
  let failed = 0;
  const all: Promise<void>[] = [];
  const startedMs = performance.now();
  for (let i = 0; i < count; i++) {
    const waitMs = startedMs + (i * 1_000) / perSecond - performance.now();
    if (waitMs > 0) await sleep(waitMs);
    const call = client.unary({}, timeoutMs === undefined ? {} : { timeoutMs });
    all.push(
      call.then(
        () => undefined,
        () => {
          failed++;
        },
      ),
    );
  }
  await Promise.all(all);
  return failed;
}

let wrong = false;

function row(what: string, measured: string, isRight: boolean): void {
  if (!isRight) wrong = true;
  console.log(`${isRight ? "ok " : "BAD"} ${what}: ${measured}`);
}

async function oneFails(code: Code): Promise<void> {
  const servers = [await serve({ failsWith: code }), await serve(), await serve(), await serve()];
  const { transport, client } = clientOf(servers.map(({ port }) => port));
  await transport.ready();
  const failed = await calls(client, 2_400, 200);
  row(`one of four answers ${Code[code]}`, `${failed} of 2400 failed, ${servers[0]?.calls} met it`, failed <= 20);
  await transport.close();
  for (const server of servers) server.close();
}

async function oneFreezes(): Promise<void> {
  const processes = new TestProcesses();
  const config = { library: "connect-node", host: "127.0.0.1", port: 0 } as const;
  const backends = await Promise.all([1, 2, 3].map(() => processes.backend(config)));
  const { transport, client } = clientOf(backends.map(({ address }) => Number(address.split(":")[1])));
  await transport.ready();
  await calls(client, 60, 100, 1_000);
  backends[0]?.kill("SIGSTOP");
  const failed = await calls(client, 1_186, 75, 1_000);
  row("one of three is frozen", `${failed} of 1186 failed`, failed <= 60);
  backends[0]?.kill("SIGCONT");
  await transport.close();
  await processes.close();
}

async function streamsRunOut(): Promise<void> {
  const server = await serve({ delayMs: 500, maxConcurrentStreams: 10 });
  const { transport, client } = clientOf([server.port], { connectionsPerBackend: { max: 5 } });
  await transport.ready();
  const running = calls(client, 100, 1_000_000);
  await sleep(300);
  const atOnce = server.calls;
  const failed = await running;
  const sessions = server.sessions();
  const measured = `${atOnce} at once, ${failed} failed, ${sessions} connections`;
  row("10 streams a connection, 100 calls, max 5", measured, atOnce === 50 && failed === 0 && sessions === 5);
  await transport.close();
  server.close();
}

async function allUnhealthy(): Promise<void> {
  const servers = [await serve(), await serve(), await serve()];
  const { transport, client, ofType } = clientOf(
    servers.map(({ port }) => port),
    { healthCheck: { service: "" } },
  );
  await transport.ready();
  for (const server of servers) server.say(2);
  await sleep(100);
  const failed = await calls(client, 300, 300);
  const panics = ofType("panic-began");
  row("all say that they do not serve", `${failed} of 300 failed, ${panics} warning`, failed === 0 && panics === 1);
  await transport.close();
  for (const server of servers) server.close();
}

async function healthFlips(): Promise<void> {
  const servers = [await serve(), await serve(), await serve()];
  const [flips] = servers as [BenchServer, ...BenchServer[]];
  const { transport, client } = clientOf(
    servers.map(({ port }) => port),
    { healthCheck: { service: "" } },
  );
  await transport.ready();
  let late = 0;
  const running = calls(client, 1_200, 200);
  for (let i = 0; i < 5; i++) {
    const told = new Promise<void>((resolve) => {
      const stop = transport.subscribe(({ type }) => {
        if (type !== "backend-unhealthy") return;
        stop();
        resolve();
      });
    });
    flips.say(2);
    // On a busy machine this process, which is client and servers in one, may hear of it late.
    await told;
    await sleep(100);
    const before = flips.calls;
    await sleep(400);
    late += flips.calls - before;
    flips.say(1);
    await sleep(500);
  }
  const failed = await running;
  const measured = `${late} calls began there 100 ms later, ${failed} of 1200 failed, ${flips.calls} met it`;
  row("one says five times that it does not serve", measured, late === 0 && failed === 0 && flips.calls > 0);
  await transport.close();
  for (const server of servers) server.close();
}

await streamsRunOut();
await allUnhealthy();
await healthFlips();
await oneFails(Code.Unavailable);
await oneFails(Code.Internal);
await oneFreezes();
process.exitCode = wrong ? 1 : 0;
