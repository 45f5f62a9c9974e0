import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer, type Socket } from "node:net";
import { networkInterfaces } from "node:os";
import { describe, type TestContext, test } from "node:test";
import { createClient } from "@connectrpc/connect";
import { EchoService } from "../../../proto/gen/glink/demo/v1/echo_pb.js";
import { dnsResolver, type GlinkTransport, type GlinkTransportOptions } from "../../../src/index.ts";
import { fakeDns } from "../../../src/testing/index.ts";
import { startConnectEcho } from "../../support/echo-server.ts";
import { checkForLeaks } from "../../support/leaks.ts";
import { until } from "../../support/load.ts";
import { glinkTransport } from "../../support/transport.ts";
import { callMany } from "./pool-harness.ts";

checkForLeaks();

const hasIpv6 = (networkInterfaces().lo ?? networkInterfaces().lo0 ?? []).some(({ address }) => address === "::1");

/** A transport to a name with the addresses 127.0.0.1 and ::1. */
async function dualStackTransport(
  t: TestContext,
  port: number,
  options: Partial<GlinkTransportOptions> = {},
): Promise<GlinkTransport> {
  const dns = await fakeDns();
  dns.set("echo.test", { addresses: ["127.0.0.1", "::1"] });
  const resolver = dnsResolver({ servers: [dns.address], timeoutMs: 60_000 });
  const transport = glinkTransport({ baseUrl: `http://echo.test:${port}`, resolver, ...options });
  t.after(async () => {
    await transport.close({ timeoutMs: 0 });
    await dns.close();
  });
  return transport;
}

/** Accepts connections on 127.0.0.1 and says nothing, as a firewall that drops packets does. */
async function blackHole(t: TestContext, port: number): Promise<void> {
  const sockets = new Set<Socket>();
  const server = createServer((socket) => sockets.add(socket.on("error", () => undefined).resume()));
  server.listen(port, "127.0.0.1");
  await once(server, "listening");
  t.after(() => {
    for (const socket of sockets) socket.destroy();
    return new Promise((resolve) => server.close(resolve));
  });
}

describe("a backend with an IPv4 and an IPv6 address", { skip: hasIpv6 ? false : "no ::1 here" }, () => {
  test("gets every call by IPv6 when nothing listens on IPv4, without a retry", async (t) => {
    const backend = await startConnectEcho({ host: "::1" });
    t.after(() => backend.close());
    const transport = await dualStackTransport(t, backend.port, { retry: false });
    await callMany(createClient(EchoService, transport), 50, 10);
    assert.equal(backend.counters.executions, 50);
  });

  test("gets every call by IPv6 when IPv4 is a black hole, long before connectTimeoutMs", async (t) => {
    const backend = await startConnectEcho({ host: "::1" });
    t.after(() => backend.close());
    await blackHole(t, backend.port);
    const transport = await dualStackTransport(t, backend.port, { retry: false, connectTimeoutMs: 100_000 });
    await callMany(createClient(EchoService, transport), 50, 10);
    assert.equal(backend.counters.executions, 50);
  });

  test("counts once when both work", async (t) => {
    const backend = await startConnectEcho({ host: "::" });
    t.after(() => backend.close());
    const transport = await dualStackTransport(t, backend.port);
    await callMany(createClient(EchoService, transport), 50, 10);
    const addresses = () => transport.snapshot().subchannels.map(({ address }) => address);
    // A dial that takes longer than 250 ms, on a slow machine, brings in the other family for a moment.
    await until("IPv4 alone is used", () => addresses().join() === `127.0.0.1:${backend.port}`);
    await callMany(createClient(EchoService, transport), 50, 10);
  });
});
