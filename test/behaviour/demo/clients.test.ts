import assert from "node:assert/strict";
import { createServer } from "node:net";
import { type TestContext, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { lookUpService, ServiceWatch } from "../../../demo/client/service-lookup.ts";
import { Clients } from "../../../demo/clients.ts";
import { type ClientName, clientNames } from "../../../demo/messages.ts";
import { Processes } from "../../../demo/processes.ts";
import { type FakeDns, fakeDns } from "../../../src/testing/index.ts";
import { startConnectEcho } from "../../support/echo-server.ts";
import { checkForLeaks } from "../../support/leaks.ts";
import { until } from "../../support/load.ts";

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

/** Runs the demo's client processes until each client's calls were answered by these backends. */
async function callUntilAnswered(
  t: TestContext,
  dns: FakeDns,
  port: number | undefined,
  backends: Readonly<Record<ClientName, readonly string[]>>,
): Promise<void> {
  const processes = new Processes();
  t.after(() => processes.close());
  const config = {
    serviceName,
    port,
    dnsServer: dns.address,
    backendFile: undefined,
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
