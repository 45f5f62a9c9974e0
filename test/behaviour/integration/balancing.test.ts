import assert from "node:assert/strict";
import { createServer } from "node:http2";
import type { AddressInfo } from "node:net";
import { afterEach, describe, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { Code, ConnectError, createClient, encodeBinaryHeader, type HandlerContext } from "@connectrpc/connect";
import { connectNodeAdapter } from "@connectrpc/connect-node";
import { EchoService } from "../../../proto/gen/glink/demo/v1/echo_pb.js";
import { parseAddress } from "../../../src/endpoint/address.ts";
import {
  type Attributes,
  endpointPriority,
  endpointZone,
  type GlinkTransportOptions,
  leastRequest,
  noAttributes,
  peakEwma,
  type Resolver,
  staticResolver,
  weightedRoundRobin,
} from "../../../src/index.ts";
import { systemRandom } from "../../../src/runtime/random.ts";
import { createTransport } from "../../../src/transport/transport.ts";
import { checkForLeaks } from "../../support/leaks.ts";
import { loadReport, type Report } from "../../support/load-reports.ts";
import { SocketsManualClock } from "../../support/manual-clock.ts";
import { QuietHold } from "../../support/quiet-hold.ts";
import { glinkTransport } from "../../support/transport.ts";
import { ListResolver, readyCount } from "./pool-harness.ts";

const closers: (() => Promise<void>)[] = [];

afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close();
});

checkForLeaks();

type Handler = (context: HandlerContext) => Promise<void> | void;

/** A real server, whose only method does what a test says, and that may report its load out of band. */
async function serve(handler: Handler = () => undefined, report?: Report, port = 0) {
  const server = { calls: 0, address: "", close: () => Promise.resolve() };
  const unary = async (_: unknown, context: HandlerContext) => {
    server.calls++;
    await handler(context);
    return {};
  };
  const echo = connectNodeAdapter({ routes: (router) => router.service(EchoService, { unary }) });
  const http2 = createServer((request, response) => {
    if (report === undefined || !request.url.startsWith("/xds.")) return echo(request, response);
    const message = loadReport(report);
    response.stream.respond({ ":status": 200, "content-type": "application/grpc" });
    response.stream.write(Buffer.from([0, 0, 0, 0, message.length, ...message]));
  });
  const sessions = new Set<{ destroy(): void }>();
  http2.on("session", (session) => sessions.add(session.on("error", () => undefined)));
  await new Promise<void>((resolve) => http2.listen(port, "127.0.0.1", resolve));
  server.address = `127.0.0.1:${(http2.address() as AddressInfo).port}`;
  server.close = async () => {
    if (!http2.listening) return;
    const closed = new Promise((resolve) => http2.close(resolve));
    for (const session of sessions) session.destroy();
    await closed;
  };
  closers.push(() => server.close());
  return server;
}

function connect(options: Partial<GlinkTransportOptions>) {
  const transport = glinkTransport({ baseUrl: "http://echo.test", retry: false, ...options });
  closers.push(() => transport.close({ timeoutMs: 0 }).then(() => undefined));
  return { transport, client: createClient(EchoService, transport) };
}

/** Waits for what a slow machine may be late with. */
async function until(holds: () => boolean): Promise<void> {
  while (!holds()) await sleep(5);
}

/** How many of `count` calls, one by one, come to each server. */
async function sharesOf(client: ReturnType<typeof connect>["client"], servers: { calls: number }[], count: number) {
  const before = servers.map(({ calls }) => calls);
  for (let i = 0; i < count; i++) await client.unary({});
  return servers.map(({ calls }, i) => calls - (before[i] as number));
}

function near(counts: readonly number[], expected: readonly number[]): void {
  const off = counts.map((count, i) => Math.abs(count - (expected[i] as number)));
  assert.ok(Math.max(...off) <= 2, `${counts} are not ${expected}`);
}

/** Endpoints with attributes, that never change. */
function endpointsOf(...endpoints: (readonly [address: string, attributes: Attributes])[]): Resolver {
  const list = endpoints.map(([address, attributes]) => ({ addresses: [parseAddress(address)], attributes }));
  return {
    name: "endpoints",
    watch: (_, listener) => {
      queueMicrotask(() => listener.onResolution({ endpoints: list }));
      return { refresh: () => undefined, close: () => undefined };
    },
  };
}

describe("policies on real sockets", () => {
  test("leastRequest leaves a backend alone that still works on a call", async () => {
    const releases: (() => void)[] = [];
    const held = [0, 1].map((i) => new Promise<void>((resolve) => (releases[i] = resolve)));
    const servers = await Promise.all(held.map((until) => serve(() => until)));
    const resolver = staticResolver(servers.map(({ address }) => address));
    const { transport, client } = connect({ resolver, loadBalancing: leastRequest() });
    await transport.ready();
    await until(() => readyCount(transport) === 2);
    const open = Array.from({ length: 8 }, () => client.unary({}));
    await until(() => servers.every(({ calls }) => calls === 4));
    releases[1]?.();
    await until(() => (transport.snapshot().subchannels[1]?.openCalls ?? 0) === 0);
    assert.deepEqual(await sharesOf(client, servers, 50), [0, 50]);
    releases[0]?.();
    await Promise.all(open);
  });

  test("peakEwma is not attracted by a backend that fails fast", async () => {
    const failing = await serve(() => {
      throw new ConnectError("not now", Code.Unavailable);
    });
    const servers = [failing, await serve(), await serve()];
    const resolver = staticResolver(servers.map(({ address }) => address));
    const { client } = connect({ resolver, loadBalancing: peakEwma(), outlierDetection: false });
    let failed = 0;
    for (let i = 0; i < 100; i++) await client.unary({}).catch(() => failed++);
    assert.ok(failed <= 2, `${failed} of 100 failed`);
    assert.equal(failing.calls, failed);
  });

  for (const loadReports of ["per-call", "out-of-band", "both"] as const) {
    test(`weightedRoundRobin follows the loads that backends report: ${loadReports}`, async () => {
      const reports = [0.2, 0.4, 0.8].map((application) => ({ qps: 100, application }));
      const servers = await Promise.all(
        reports.map((report) => {
          const trailer = encodeBinaryHeader(loadReport(report));
          const withTrailer: Handler = ({ responseTrailer }) =>
            responseTrailer.set("endpoint-load-metrics-bin", trailer);
          return serve(loadReports === "out-of-band" ? undefined : withTrailer, report);
        }),
      );
      const resolver = staticResolver(servers.map(({ address }) => address));
      const loadBalancing = weightedRoundRobin({ loadReports, blackoutMs: 0, weightUpdateMs: 100 });
      const { transport, client } = connect({ resolver, loadBalancing });
      const weights = () => transport.snapshot().subchannels.map(({ policy }) => policy.loadWeight);
      for (;;) {
        await client.unary({});
        const known = weights();
        if (known.length === 3 && known.every((weight) => weight !== undefined)) break;
        await sleep(5);
      }
      assert.deepEqual(
        weights().map((weight) => Math.round(weight ?? 0)),
        [500, 250, 125],
      );
      // The turns are made anew by then.
      await sleep(250);
      near(await sharesOf(client, servers, 210), [120, 60, 30]);
    });
  }

  test("roundRobin gives a newcomer turns by its weight, which slow start lets grow", async () => {
    const servers = [await serve(), await serve()] as const;
    const resolver = new ListResolver([servers[0].address]);
    const clock = new SocketsManualClock();
    const options = { baseUrl: "http://echo.test", resolver, slowStartMs: 100_000, rotationIntervalMs: 1e9 };
    const runtime = { clock, random: systemRandom(), hold: new QuietHold() };
    const transport = createTransport({ ...options, maxConnectionAgeMs: 1e9 }, runtime);
    closers.push(() => transport.close({ timeoutMs: 0 }).then(() => undefined));
    const client = createClient(EchoService, transport);
    await client.unary({});
    await clock.advance(100_000);
    resolver.set(...servers.map(({ address }) => address));
    await until(() => readyCount(transport) === 2);
    near(await sharesOf(client, [...servers], 110), [100, 10]);
    await clock.advance(50_000);
    near(await sharesOf(client, [...servers], 90), [60, 30]);
    await clock.advance(50_000);
    near(await sharesOf(client, [...servers], 100), [50, 50]);
  });
});

describe("topology on real sockets", () => {
  test("calls go to the next priority when the first is lost, and back when it works again", async () => {
    const first = await serve();
    const second = await serve();
    const priority = (level: number) => noAttributes.with(endpointPriority, level);
    const resolver = endpointsOf([first.address, priority(0)], [second.address, priority(1)]);
    const { transport, client } = connect({ resolver });
    const changes: number[] = [];
    transport.subscribe((event) => event.type === "priority-changed" && changes.push(event.to));
    assert.deepEqual(await sharesOf(client, [first, second], 10), [10, 0]);
    await first.close();
    while (changes.length < 1) await client.unary({}).catch(() => undefined);
    assert.deepEqual(await sharesOf(client, [first, second], 10), [0, 10]);
    const again = await serve(undefined, undefined, Number(first.address.split(":")[1]));
    // Without calls nobody is dialled.
    while (changes.length < 2) {
      await client.unary({});
      await sleep(5);
    }
    assert.deepEqual(changes, [1, 0]);
    assert.deepEqual(await sharesOf(client, [again, second], 10), [10, 0]);
  });

  test("a zone carries its own calls, and sends away what it cannot carry when it loses a backend", async () => {
    const servers = await Promise.all([serve(), serve(), serve(), serve()]);
    const zone = (name: string) => noAttributes.with(endpointZone, name);
    const zones = ["a", "a", "b", "b"];
    const resolver = endpointsOf(...servers.map(({ address }, i) => [address, zone(zones[i] ?? "")] as const));
    const { transport, client } = connect({ resolver, zone: "a" });
    const shares: number[] = [];
    transport.subscribe((event) => event.type === "zone-share-changed" && shares.push(event.share));
    await transport.ready();
    await until(() => readyCount(transport) === 4 && shares.at(-1) === 1);
    near(await sharesOf(client, servers, 60), [30, 30, 0, 0]);
    await servers[0]?.close();
    await until(() => readyCount(transport) === 3 && shares.at(-1) === 0.667);
    near(await sharesOf(client, servers, 90), [0, 60, 15, 15]);
  });
});
