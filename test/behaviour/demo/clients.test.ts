import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { lookUpService, ServiceWatch } from "../../../demo/client/service-lookup.ts";
import { Clients } from "../../../demo/clients.ts";
import type { Backend } from "../../../demo/fleet.ts";
import { DnsListing, FileListing } from "../../../demo/listing.ts";
import { type ClientName, clientNames, type ResolverConfig } from "../../../demo/messages.ts";
import { Processes } from "../../../demo/processes.ts";
import { type FakeDns, fakeDns } from "../../../src/testing/index.ts";
import { startConnectEcho } from "../../support/echo-server.ts";
import { checkForLeaks } from "../../support/leaks.ts";
import { until } from "../../support/load.ts";
import { ScriptedApiServer } from "../../support/scripted-api-server.ts";
import { readyEndpoint, slice } from "../../support/slices.ts";

checkForLeaks();

const serviceName = "echo.demo.test";
const srvName = `_grpc._tcp.${serviceName}`;

async function startDns(t: TestContext): Promise<FakeDns> {
  const dns = await fakeDns();
  t.after(() => dns.close());
  dns.set(serviceName, { addresses: ["127.0.0.1"] });
  return dns;
}

async function startBackend(t: TestContext) {
  const backend = await startConnectEcho();
  t.after(() => backend.close());
  return backend;
}

/** A port where nothing listens. */
async function deadPort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as { port: number };
  await new Promise((resolve) => server.close(resolve));
  return port;
}

/** A backend of this test, as far as lists of them go. */
function asListed({ address, port }: { readonly address: string; readonly port: number }): Backend {
  return { address, host: "127.0.0.1", port } as Backend;
}

/** Runs the demo's client processes until each client's calls were answered by these backends. */
async function callUntilAnswered(
  t: TestContext,
  dns: FakeDns,
  port: number | undefined,
  backends: Readonly<Record<ClientName, readonly string[]>>,
  resolver: ResolverConfig = { type: "dns" },
): Promise<void> {
  const processes = new Processes();
  t.after(() => processes.close());
  const config = {
    serviceName,
    port,
    dnsServer: dns.address,
    resolver,
    rotationIntervalMs: 1_000,
    callsPerSecond: 10,
    deadlineMs: 30_000,
  };
  const ended: Error[] = [];
  const clients = new Clients(processes, config, (error) => ended.push(error));
  await clients.begin();
  const answered = (name: ClientName) => clients.statistics[name].answersIn({ fromMs: 0, toMs: Date.now() });
  const isDone = (name: ClientName) => backends[name].every((address) => answered(name).has(address));
  while (ended.length === 0 && !clientNames.every(isDone)) await sleep(50);
  assert.deepEqual(ended, []);
  await clients.stop();
}

test("every client finds the backend by the demo's DNS server, at the address of an A record", async (t) => {
  const dns = await startDns(t);
  const { address, port } = await startBackend(t);
  await callUntilAnswered(t, dns, port, { glink: [address], createGrpcTransport: [address], "grpc-js": [address] });
  assert.equal(dns.queries(srvName), 0);
});

test("where backends share an address, every client finds them at the ports of SRV records, and passes a dead one over", async (t) => {
  const dns = await startDns(t);
  const backends = [await startBackend(t), await startBackend(t)];
  const ports = [await deadPort(), ...backends.map(({ port }) => port)];
  dns.set(srvName, { services: ports.map((port) => ({ target: serviceName, port })) });
  const [first = "", second = ""] = backends.map(({ address }) => address);
  const all = [first, second];
  // createGrpcTransport stays with the first that accepts.
  await callUntilAnswered(t, dns, undefined, { glink: all, createGrpcTransport: [first], "grpc-js": all });
});

test("with --resolver file glink has the backends of the file, and the others those of DNS", async (t) => {
  const dns = await startDns(t);
  const folder = mkdtempSync(join(tmpdir(), "glink-demo-test-"));
  t.after(() => rmSync(folder, { recursive: true }));
  const path = join(folder, "backends.json");
  const [inDns, ...inFile] = [await startBackend(t), await startBackend(t), await startBackend(t)].map(asListed);
  await new DnsListing(dns, serviceName).publish([inDns as Backend]);
  await new FileListing(path).publish(inFile);
  const [one = "", ...told] = [inDns, ...inFile].map((backend) => backend?.address ?? "");
  const expected = { glink: told, createGrpcTransport: [one], "grpc-js": [one] };
  await callUntilAnswered(t, dns, undefined, expected, { type: "file", path });
});

test("with --resolver kubernetes glink has the backends of EndpointSlices, and the others those of DNS", async (t) => {
  const dns = await startDns(t);
  const api = new ScriptedApiServer();
  await api.listen();
  t.after(() => api.close());
  const [inDns, ...pods] = [await startBackend(t), await startBackend(t), await startBackend(t)].map(asListed);
  await new DnsListing(dns, serviceName).publish([inDns as Backend]);
  for (const { port } of pods) {
    api.put(
      slice(`echo-${port}`, [readyEndpoint("127.0.0.1", { targetRef: null })], { ports: [{ name: "grpc", port }] }),
    );
  }
  const [one = "", ...told] = [inDns, ...pods].map((backend) => backend?.address ?? "");
  const expected = { glink: told, createGrpcTransport: [one], "grpc-js": [one] };
  const options = { server: api.url, service: "echo", port: "grpc" };
  await callUntilAnswered(t, dns, undefined, expected, { type: "kubernetes", options });
});

test("where no API server can be had, --resolver kubernetes says what is missing, and fails", async () => {
  // Nothing is on PATH here: neither Go nor ip.
  const program = fileURLToPath(new URL("../../../demo/main.ts", import.meta.url));
  const child = spawnSync(process.execPath, [...process.execArgv, program, "--resolver", "kubernetes"], {
    env: { ...process.env, PATH: "" },
    encoding: "utf8",
  });
  assert.match(
    child.stderr,
    /cannot be had here: .*(Go is not installed|"ip netns add" does not work).* needs Linux, root/,
  );
  assert.equal(child.status, 1);
});

test("a service is the ports of its SRV records at the addresses of their targets", async (t) => {
  const dns = await startDns(t);
  dns.set("other.demo.test", { addresses: ["127.0.0.7"] });
  dns.set(srvName, {
    services: [
      { target: serviceName, port: 1 },
      { target: "other.demo.test", port: 2 },
    ],
  });
  assert.deepEqual(await lookUpService(dns.address, serviceName), [
    { host: "127.0.0.1", port: 1 },
    { host: "127.0.0.7", port: 2 },
  ]);
});

test("a watch that is told ten times at once looks once, and again when it is told later", async (t) => {
  const dns = await startDns(t);
  dns.set(srvName, { services: [{ target: serviceName, port: 1 }] });
  let reports = 0;
  const watch = new ServiceWatch({
    dnsServer: dns.address,
    name: serviceName,
    minIntervalMs: 1,
    onBackends: () => reports++,
    onError: (error) => assert.fail(String(error)),
  });
  t.after(() => watch.close());
  for (let i = 0; i < 10; i++) watch.refresh();
  await until("it has looked", () => reports > 0);
  assert.equal(dns.queries(srvName), 1);
  watch.refresh();
  await until("it has looked again", () => reports > 1);
  assert.equal(dns.queries(srvName), 2);
});
