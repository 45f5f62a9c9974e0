import assert from "node:assert/strict";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { Code, ConnectError } from "@connectrpc/connect";
import { startConnectEcho } from "../../support/echo-server.ts";
import { checkForLeaks } from "../../support/leaks.ts";
import { until } from "../../support/load.ts";
import { startVirtualAddress } from "../../support/virtual-address.ts";
import { callMany, readyCount, withPool } from "./pool-harness.ts";

checkForLeaks();

test("scaled from 2 to 4, the new backends carry a quarter each and the old sockets stay", async () => {
  await withPool({ servers: 4, listed: 2 }, async ({ client, backends, resolver, transport }) => {
    await callMany(client, 100, 5);
    await until("both are ready", () => readyCount(transport) === 2);
    const sessions = backends.slice(0, 2).flatMap((backend) => [...backend.sessions]);
    resolver.set(...backends.map(({ address }) => address));
    // Under load, while the new ones join.
    await callMany(client, 200, 5);
    await until("all are ready", () => readyCount(transport) === 4);
    const served = await callMany(client, 400, 5);
    for (const { address } of backends) assert.ok(Math.abs((served.get(address) ?? 0) - 100) <= 10, address);
    assert.deepEqual(
      backends.slice(0, 2).flatMap((backend) => [...backend.sessions]),
      sessions,
    );
    assert.deepEqual(
      backends.map(({ connections }) => connections()),
      [1, 1, 1, 1],
    );
  });
});

test("a removed backend ends its long call and its stream well, gets no new call, and is closed soon after", async () => {
  await withPool({ servers: 3 }, async ({ client, backends, resolver, transport }) => {
    const wake = client.unary({ text: "x" });
    await until("all are ready", () => readyCount(transport) === 3);
    await wake;
    const long = Array.from({ length: 3 }, () => client.unary({ behavior: { delayMs: 700 } }));
    const streams = Array.from({ length: 3 }, async () => {
      const from = new Set<string>();
      let count = 0;
      for await (const message of client.serverStream({ count: 14, intervalMs: 50 })) {
        from.add(message.served?.backend ?? "");
        count++;
      }
      return { count, backends: [...from] };
    });
    const removed = backends[0];
    assert.ok(removed !== undefined);
    await until("every server has its calls", () => backends.every(({ counters }) => counters.running > 0));
    await sleep(100);
    resolver.set(...backends.slice(1).map(({ address }) => address));
    const executions = removed.counters.executions;
    const served = await callMany(client, 60, 5);
    assert.equal(served.get(removed.address), undefined);
    assert.equal(transport.snapshot().draining[0]?.address, removed.address);
    assert.equal((await Promise.all(long)).length, 3);
    const ended = await Promise.all(streams);
    assert.deepEqual(
      ended.map(({ count }) => count),
      [14, 14, 14],
    );
    assert.ok(ended.some((stream) => stream.backends[0] === removed.address));
    const doneMs = performance.now();
    await until("its socket is closed", () => removed.sessions.size === 0);
    assert.ok(performance.now() - doneMs < 1_000);
    assert.equal(removed.counters.executions, executions);
  });
});

test("20 rotations of the same addresses in another order are no dial and no change", async () => {
  await withPool({ servers: 4 }, async ({ client, backends, resolver, transport, events }) => {
    await client.unary({ text: "x" });
    await until("all are ready", () => readyCount(transport) === 4);
    const before = events.length;
    const addresses = backends.map(({ address }) => address);
    for (let i = 0; i < 20; i++) {
      addresses.push(addresses.shift() as string);
      resolver.set(...addresses, addresses[0] as string);
      await callMany(client, 4);
    }
    const changes = events.slice(before).filter((event) => event.type !== "resolved" || event.changed);
    assert.deepEqual(changes, []);
    for (const { connections } of backends) assert.equal(connections(), 1);
  });
});

test("after drainTimeoutMs a call on a retired connection fails with Unavailable, and only then", async () => {
  const transport = { drainTimeoutMs: 300, retry: false } as const;
  await withPool({ servers: 2, listed: 1, transport }, async ({ client, backends, resolver, events }) => {
    await client.unary({ text: "x" });
    const call = client.unary({ behavior: { delayMs: 10_000 } });
    call.catch(() => undefined);
    await until("the call runs", () => backends[0]?.counters.running === 1);
    const startMs = performance.now();
    resolver.set(backends[1]?.address ?? "");
    await assert.rejects(call, (error) => {
      const { code, rawMessage } = ConnectError.from(error);
      return code === Code.Unavailable && /drainTimeoutMs 300/.test(rawMessage);
    });
    assert.ok(performance.now() - startMs >= 250);
    await until("the event", () => events.some((event) => event.type === "connection-drained" && event.cutCalls === 1));
  });
});

test("connections are replaced at their age without an error, also under load", async () => {
  await withPool({ servers: 2, transport: { maxConnectionAgeMs: 1_000 } }, async ({ client, backends }) => {
    const endMs = performance.now() + 10_000;
    const aged = () => backends.every(({ connections }) => connections() >= 3);
    while (!aged() && performance.now() < endMs) await callMany(client, 20, 5);
    assert.ok(aged());
    for (const { sessions } of backends) {
      await until("elders are gone", () => sessions.size <= 2);
    }
  });
});

test("behind one virtual address the age of connections spreads calls over all servers", async () => {
  const servers = [await startConnectEcho(), await startConnectEcho()];
  const proxy = await startVirtualAddress(servers.map(({ port }) => port));
  const transport = { maxConnectionAgeMs: 1_000 };
  try {
    await withPool({ servers: 0, addresses: [proxy.address], transport }, async ({ client }) => {
      await callMany(client, 10);
      assert.equal(servers.filter(({ counters }) => counters.executions > 0).length, 1);
      const endMs = performance.now() + 10_000;
      const spread = () => servers.every(({ counters }) => counters.executions > 0);
      while (!spread() && performance.now() < endMs) {
        await callMany(client, 5);
        await sleep(20);
      }
      assert.ok(spread());
    });
  } finally {
    await proxy.close();
    await Promise.all(servers.map((server) => server.close()));
  }
});

test("when no successor can be dialled the elders serve on", async () => {
  const server = await startConnectEcho();
  const proxy = await startVirtualAddress([server.port]);
  const transport = { maxConnectionAgeMs: 1_000, rotationIntervalMs: 1_000 };
  try {
    await withPool({ servers: 0, addresses: [proxy.address], transport }, async ({ client, events }) => {
      await client.unary({ text: "x" });
      proxy.refuseNew();
      await until("successors were tried", () => proxy.refused() >= 2);
      await callMany(client, 20);
      assert.equal(proxy.connections(), 1);
      assert.equal(events.filter(({ type }) => type === "subchannel-state").length, 2);
    });
  } finally {
    await proxy.close();
    await server.close();
  }
});
