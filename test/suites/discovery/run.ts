import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { createClient } from "@connectrpc/connect";
import { EchoService } from "../../../proto/gen/glink/demo/v1/echo_pb.js";
import { dnsResolver, type GlinkTransport, glinkTransport, srvResolver, staticResolver } from "../../../src/index.ts";
import { ca, serverIdentity } from "../../support/certificates.ts";
import { startConnectEcho } from "../../support/echo-server.ts";
import { chosenEngines, type EngineName } from "../../support/engines.ts";
import { freePort, hasProgram, Programs } from "../../support/programs.ts";
import { configureBind } from "./bind.ts";
import { type RealProxy, realProxies } from "./proxies.ts";
import { rulesPage } from "./rules/page.ts";

/*
 * npm run discovery -- [--engine node|wire|both] [--install] [--table]
 * Backends found through DNS servers, and reached through HTTP proxies, that others wrote. What is not installed is skipped, or
 * installed from Debian with --install. Default: both engines. --table writes docs/discovery-rules.md, and runs nothing.
 */

const cache = join(import.meta.dirname, "../../../.cache/discovery");

function install(): void {
  const parts = [...realProxies, { packageName: "bind9", program: "named" }];
  const packages = parts.filter(({ program }) => !hasProgram(program)).map(({ packageName }) => packageName);
  if (packages.length === 0) return;
  const environment = { ...process.env, DEBIAN_FRONTEND: "noninteractive" };
  for (const args of [["update"], ["install", "-y", "--no-install-recommends", ...packages]]) {
    execFileSync("apt-get", args, { env: environment, stdio: ["ignore", "ignore", "inherit"] });
  }
}

async function until(what: string, condition: () => boolean): Promise<void> {
  for (const startMs = performance.now(); !condition(); await sleep(20)) {
    if (performance.now() - startMs > 15_000) throw new Error(`waited 15 s in vain until ${what}`);
  }
}

const readyOf = (transport: GlinkTransport) =>
  transport.snapshot().subchannels.filter(({ state, stale }) => state === "ready" && !stale);

/** How many of so many calls each backend served. */
async function spread(transport: GlinkTransport, calls: number): Promise<Record<string, number>> {
  const client = createClient(EchoService, transport);
  const counts: Record<string, number> = {};
  for (let i = 0; i < calls; i++) {
    const { served } = await client.unary({}, { timeoutMs: 10_000 });
    const backend = served?.backend ?? "";
    counts[backend] = (counts[backend] ?? 0) + 1;
  }
  return counts;
}

async function throughProxy(engine: EngineName, proxy: RealProxy, tls: boolean): Promise<void> {
  const programs = new Programs();
  const options = tls ? { tls: serverIdentity } : {};
  const backends = await Promise.all([startConnectEcho(options), startConnectEcho(options)]);
  const forbidden = await startConnectEcho(options);
  const port = await freePort();
  const transports: GlinkTransport[] = [];
  const transportTo = (addresses: readonly string[], credentials: string) => {
    const transport = glinkTransport({
      baseUrl: tls ? "https://echo.test" : "http://echo.test",
      nodeOptions: tls ? { ca } : {},
      resolver: staticResolver(addresses),
      proxy: `http://${credentials}127.0.0.1:${port}`,
      retry: false,
      http2: engine,
    });
    transports.push(transport);
    return transport;
  };
  try {
    const allowed = backends.map((backend) => backend.port);
    await programs.start(proxy.program, proxy.configure(join(cache, proxy.name), port, allowed), port);
    const addresses = backends.map(({ address }) => address);
    const transport = transportTo(addresses, "me:secret@");
    await transport.ready({ timeoutMs: 10_000 });
    await until("both are ready", () => readyOf(transport).length === 2);
    assert.deepEqual(await spread(transport, 100), { [addresses[0] ?? ""]: 50, [addresses[1] ?? ""]: 50 });
    assert.deepEqual(
      backends.map(({ connections }) => connections()),
      [1, 1],
    );
    const call = (to: GlinkTransport) => createClient(EchoService, to).unary({}, { timeoutMs: 10_000 });
    await assert.rejects(call(transportTo([forbidden.address], "me:secret@")), proxy.refusal);
    await assert.rejects(call(transportTo(addresses, "")), /with 407 .*: it wants credentials, as in/);
    await assert.rejects(call(transportTo(addresses, "me:wrong@")), /with (407|401) /);
  } finally {
    await Promise.all(transports.map((transport) => transport.close({ timeoutMs: 0 })));
    await programs.close();
    await Promise.all([...backends, forbidden].map((backend) => backend.close()));
  }
}

async function throughBind(engine: EngineName): Promise<void> {
  const programs = new Programs();
  const backends = await Promise.all([1, 2, 3].map(() => startConnectEcho()));
  const port = await freePort();
  const { args, setZone } = configureBind(join(cache, "bind"), port);
  const recordOf = (i: number, priority = 0, weight = 1) =>
    `_grpc._tcp.echo 1 IN SRV ${priority} ${weight} ${backends[i]?.port} pod-${i}.echo.test.`;
  const pods = [0, 1, 2].map((i) => `pod-${i}.echo 1 IN A 127.0.0.1`);
  const servers = [`127.0.0.1:${port}`];
  const common = { baseUrl: "http://echo.test", rotationIntervalMs: 1_000, http2: engine };
  const transports: GlinkTransport[] = [];
  try {
    const child = await programs.start("named", args, port);
    const publish = (records: readonly string[]) => {
      setZone(records);
      child.kill("SIGHUP");
    };
    publish([...pods, recordOf(0), recordOf(1, 0, 0)]);
    const transport = glinkTransport({ ...common, resolver: srvResolver({ servers }) });
    transports.push(transport);
    await until("named has the zone, and two backends are ready", () => {
      void transport.ready({ timeoutMs: 1_000 }).catch(() => undefined);
      return readyOf(transport).length === 2;
    });
    const first = backends.slice(0, 2).map(({ address }) => address);
    assert.deepEqual(Object.keys(await spread(transport, 20)).sort(), [...first].sort());
    // One more, by a record with another priority: the target's name and its port are all that it takes.
    publish([...pods, recordOf(0), recordOf(1), recordOf(2, 0, 5)]);
    await until("the third is ready", () => readyOf(transport).length === 3);
    // All but one are lost at once: they stay until the second lookup, and leave then.
    const events: string[] = [];
    transport.subscribe((event) => {
      if (event.type === "backends-stale") events.push(`${event.stale.length} stale`);
    });
    publish([...pods, recordOf(2)]);
    await until("the loss is believed", () => transport.snapshot().subchannels.length === 1);
    assert.deepEqual(events, ["2 stale"]);
    publish(["_grpc._tcp.echo 1 IN SRV 0 0 0 ."]);
    await until("the service is gone", () => transport.snapshot().subchannels.length === 0);
    publish(["headless 1 IN A 127.0.0.1", "headless 1 IN AAAA ::1"]);
    const baseUrl = `http://headless.test:${backends[0]?.port}`;
    const headless = glinkTransport({ ...common, baseUrl, resolver: dnsResolver({ servers }) });
    transports.push(headless);
    await until("the headless name is found", () => {
      void headless.ready({ timeoutMs: 1_000 }).catch(() => undefined);
      return readyOf(headless).length === 1;
    });
    assert.deepEqual(await spread(headless, 5), { [backends[0]?.address ?? ""]: 5 });
  } finally {
    await Promise.all(transports.map((transport) => transport.close({ timeoutMs: 0 })));
    await programs.close();
    await Promise.all(backends.map((backend) => backend.close()));
  }
}

let passed = 0;
let failed = 0;

async function part(name: string, program: string, run: () => Promise<void>): Promise<void> {
  if (!hasProgram(program)) {
    console.log(`discovery, ${name}: skipped, ${program} is not installed`);
    return;
  }
  try {
    await run();
    passed++;
    console.log(`discovery, ${name}: passed`);
  } catch (error) {
    failed++;
    console.log(`discovery, ${name}: FAILED ${(error as Error).stack}`);
  }
}

async function main(): Promise<void> {
  if (process.argv.includes("--install")) install();
  for (const engine of chosenEngines("both")) {
    for (const proxy of realProxies) {
      for (const tls of [true, false]) {
        const name = `${proxy.name}, ${tls ? "TLS" : "plaintext"} backends, ${engine} engine`;
        await part(name, proxy.program, () => throughProxy(engine, proxy, tls));
      }
    }
    await part(`SRV records and a headless name of BIND, ${engine} engine`, "named", () => throughBind(engine));
  }
  console.log(`${passed} passed, ${failed} failed`);
  process.exitCode = failed === 0 ? 0 : 1;
}

const page = join(import.meta.dirname, "../../../docs/discovery-rules.md");
if (process.argv.includes("--table")) writeFileSync(page, rulesPage());
else await main();
