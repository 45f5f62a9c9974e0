import assert from "node:assert/strict";
import { availableParallelism } from "node:os";
import { test } from "node:test";
import { Worker } from "node:worker_threads";
import { createClient } from "@connectrpc/connect";
import { EchoService } from "../../../proto/gen/glink/demo/v1/echo_pb.js";
import type { GlinkTransport, GlinkTransportOptions } from "../../../src/index.ts";
import { manualResolver } from "../../../src/testing/index.ts";
import { type ConnectEchoBackend, startConnectEcho } from "../../support/echo-server.ts";
import { type FaultyNetwork, type NetworkFaults, startFaultyNetwork } from "../../support/faulty-network.ts";
import { Invariants } from "../../support/invariants.ts";
import { checkForLeaks } from "../../support/leaks.ts";
import { glinkTransport } from "../../support/transport.ts";
import { transportTo, until, withPeer } from "./fault-call.ts";

checkForLeaks();

/** A real server behind a network, and a transport to it. */
interface Scene {
  readonly server: ConnectEchoBackend;
  readonly network: FaultyNetwork;
  readonly transport: GlinkTransport;
  readonly calls: Invariants;
}

async function withNetwork(
  faults: NetworkFaults,
  options: Partial<GlinkTransportOptions>,
  body: (scene: Scene) => Promise<void>,
): Promise<void> {
  const server = await startConnectEcho();
  const network = await startFaultyNetwork(server.address, faults);
  const transport = transportTo([network.address], options);
  try {
    await body({ server, network, transport, calls: new Invariants(transport) });
  } finally {
    await transport.close({ timeoutMs: 0 });
    await network.close();
    await server.close();
  }
}

/** A unary call whose handler counts it by its id. */
function unary(transport: GlinkTransport, delayMs = 0): Parameters<Invariants["call"]>[0] {
  const client = createClient(EchoService, transport);
  return (options, requestId) => client.unary({ text: "fault", behavior: { requestId, delayMs } }, options);
}

test("live sockets that are cut again and again fail no unary call that was not answered, and end streams as Unavailable", () =>
  withNetwork({}, {}, async ({ server, network, transport, calls }) => {
    const client = createClient(EchoService, transport);
    const cuts = 8;
    for (let cut = 0; cut < cuts; cut++) {
      const stream = client.serverStream({ count: 1_000_000, intervalMs: 10 })[Symbol.asyncIterator]();
      assert.equal((await stream.next()).done, false);
      const before = server.counters.executions;
      const open = [0, 1, 2].map(() => calls.call(unary(transport, 20)));
      await until(() => server.counters.executions >= before + 3, "the calls are with the server");
      network.reset();
      const readOn = async () => {
        while ((await stream.next()).done === false);
      };
      await assert.rejects(readOn, /unavailable.*the connection was lost/s);
      await Promise.all(open);
    }
    assert.deepEqual(calls.outcomes, { OK: 3 * cuts });
    const connections = { made: network.connections(), most: cuts + 1 };
    await calls.assertHeld({ executions: server.counters.byRequestId, connections });
  }));

test("a way of 200 ms that varies: no connection is called dead, no deadline comes early, nothing is repeated", () => {
  let piece = 0;
  const delayMs = () => [5, 150, 60, 100, 30][piece++ % 5] as number;
  // A PING is due long before the last one can have been answered.
  return withNetwork({ delayMs }, { pingIntervalMs: 40 }, async ({ server, network, transport, calls }) => {
    for (let round = 0; round < 3; round++) {
      await Promise.all([0, 1, 2, 3].map(() => calls.call(unary(transport, 30))));
    }
    assert.equal((await calls.call(unary(transport, 60_000), {}, { timeoutMs: 60 })).outcome, "DeadlineExceeded");
    assert.deepEqual(calls.outcomes, { OK: 12, DeadlineExceeded: 1 });
    for (const { id, attempts } of calls.calls) assert.equal(attempts.length, 1, id);
    const connections = { made: network.connections(), most: 1 };
    await calls.assertHeld({ executions: server.counters.byRequestId, connections });
  });
});

test("a link that goes down and up again: calls that wait for it succeed, with one dial for each step of the backoff", () => {
  const initialBackoffMs = 40;
  const reconnectBackoff = { initialBackoffMs, maxBackoffMs: initialBackoffMs, jitter: 0 };
  return withNetwork({}, { reconnectBackoff }, async ({ server, network, transport, calls }) => {
    let dials = 0;
    let lost = 0;
    transport.subscribe((event) => {
      if (event.type !== "subchannel-state") return;
      if (event.to === "connecting") dials++;
      if (event.from === "ready") lost++;
    });
    const startedMs = performance.now();
    const flaps = 4;
    for (let flap = 0; flap < flaps; flap++) {
      assert.equal((await calls.call(unary(transport), { waitForReady: true })).outcome, "OK");
      await network.down();
      const waiting = [0, 1, 2].map(() => calls.call(unary(transport), { waitForReady: true }));
      const failed = dials + 3;
      await until(() => dials >= failed, "three dials while it is down");
      await network.up();
      await Promise.all(waiting);
    }
    assert.deepEqual(calls.outcomes, { OK: 4 * flaps });
    // The first dial after a loss is at once.
    const most = 1 + lost + (performance.now() - startedMs) / initialBackoffMs;
    assert.ok(dials <= most, `${dials} dials, where ${most} have their time`);
    const connections = { made: network.connections(), most: flaps + 1 };
    await calls.assertHeld({ executions: server.counters.byRequestId, connections });
  });
});

test("an answer that flips between two sets: no call fails, connections are made for changes alone, and all of them closed", async () => {
  const servers = await Promise.all([0, 1, 2, 3].map(() => startConnectEcho()));
  const [a1, a2, b1, b2] = servers.map(({ address }) => address) as [string, string, string, string];
  const sets = [
    [a1, a2],
    [b1, b2],
  ] as const;
  const resolver = manualResolver(...sets[0]);
  const transport = glinkTransport({ baseUrl: "http://echo.test", resolver });
  const calls = new Invariants(transport);
  const readyAddresses = () => {
    const ready = transport.snapshot().subchannels.filter(({ state }) => state === "ready");
    return ready.map(({ address }) => address).sort();
  };
  try {
    const flips = 10;
    for (let flip = 0; flip < flips; flip++) {
      const set = sets[flip % 2] as readonly string[];
      resolver.answer(...set);
      // The same answer again, in another order, is no change.
      resolver.answer(...set.toReversed());
      await Promise.all(Array.from({ length: 8 }, () => calls.call(unary(transport, 5))));
      await until(() => readyAddresses().join() === [...set].sort().join(), "the set serves");
    }
    assert.deepEqual(calls.outcomes, { OK: 8 * flips });
    const openAt = (address: string) => servers.find((one) => one.address === address)?.sessions.size ?? 0;
    await until(() => openAt(a1) + openAt(a2) === 0, "the connections to what left are closed");
    assert.deepEqual([openAt(b1), openAt(b2)], [1, 1]);
    const executions = new Map(servers.flatMap(({ counters }) => [...counters.byRequestId]));
    const made = servers.reduce((sum, one) => sum + one.connections(), 0);
    await calls.assertHeld({ executions, connections: { made, most: 2 * flips } });
  } finally {
    await transport.close({ timeoutMs: 0 });
    await Promise.all(servers.map((server) => server.close()));
  }
});

test("no processor time: calls are only slower, none is repeated, no connection is lost", () =>
  withNetwork({}, { pingIntervalMs: 20 }, async ({ server, network, transport, calls }) => {
    assert.equal((await calls.call(unary(transport))).outcome, "OK");
    const busy = "const { workerData } = require('node:worker_threads'); while (Atomics.load(workerData, 0) === 0);";
    const isOver = new Int32Array(new SharedArrayBuffer(4));
    const workers = Array.from(
      { length: 2 * availableParallelism() },
      () => new Worker(busy, { eval: true, workerData: isOver }),
    );
    try {
      for (let round = 0; round < 5; round++) {
        await Promise.all(Array.from({ length: 10 }, () => calls.call(unary(transport, 5))));
      }
    } finally {
      Atomics.store(isOver, 0, 1);
      await Promise.all(workers.map((worker) => worker.terminate()));
    }
    assert.deepEqual(calls.outcomes, { OK: 51 });
    for (const { id, attempts } of calls.calls) assert.equal(attempts.length, 1, id);
    const connections = { made: network.connections(), most: 1 };
    await calls.assertHeld({ executions: server.counters.byRequestId, connections });
  }));

test("a storm of aborts, before and after the server hears of the call, fails no bystander", () =>
  withNetwork({}, {}, async ({ server, network, transport, calls }) => {
    const client = createClient(EchoService, transport);
    const aborts = 1_500;
    const given: Promise<unknown>[] = [];
    const bystanders: Promise<unknown>[] = [];
    for (let index = 0; index < aborts; index++) {
      const controller = new AbortController();
      const call = client.unary({ behavior: { delayMs: 60_000 } }, { signal: controller.signal });
      given.push(assert.rejects(call, /canceled/));
      if (index % 3 === 0) controller.abort();
      else setTimeout(() => controller.abort(), index % 20);
      if (index % 30 !== 0) continue;
      bystanders.push(calls.call(unary(transport, 20)));
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
    await Promise.all([...given, ...bystanders]);
    assert.deepEqual(calls.outcomes, { OK: aborts / 30 });
    // Node's server ends a connection after a thousand resets.
    const connections = { made: network.connections(), most: 1 + aborts / 100 };
    await calls.assertHeld({ executions: server.counters.byRequestId, connections });
  }));

test("a GOAWAY in good order that takes no call, each time: repeated for free on ten connections, then by policy, then Unavailable", () => {
  const reconnectBackoff = { initialBackoffMs: 1, maxBackoffMs: 1 };
  return withPeer(
    { onRequest: ({ connection }) => connection.goaway(0) },
    async (transport, peer) => {
      const calls = new Invariants(transport);
      const { outcome, attempts, error } = await calls.call(unary(transport), { retry: { maxAttempts: 2 } });
      assert.equal(outcome, "Unavailable");
      assert.match(String(error), /GOAWAY/);
      assert.deepEqual(new Set(attempts.map(({ progress }) => progress)), new Set(["refused"]));
      assert.equal(attempts.length, 12);
      await calls.assertHeld({ connections: { made: peer.connections.length, most: 13 } });
    },
    { reconnectBackoff },
  );
});

test("a deadline that ends while a server that takes no call is not dialled again yet: DeadlineExceeded, which names its GOAWAY", () =>
  withPeer(
    { onRequest: ({ connection }) => connection.goaway(0) },
    async (transport, peer) => {
      const calls = new Invariants(transport);
      const { outcome, error } = await calls.call(unary(transport), {}, { timeoutMs: 400 });
      assert.equal(outcome, "DeadlineExceeded");
      assert.match(String(error), /GOAWAY/);
      await calls.assertHeld({ connections: { made: peer.connections.length, most: 2 } });
    },
    { reconnectBackoff: { initialBackoffMs: 60_000 } },
  ));

test("one backend of three says GOAWAY to each call: no call fails, and the others serve", () =>
  withPeer({ onRequest: ({ connection }) => connection.goaway(0) }, async (_, bad) => {
    const good = await Promise.all([startConnectEcho(), startConnectEcho()]);
    const transport = transportTo([bad.address, ...good.map(({ address }) => address)]);
    try {
      const calls = new Invariants(transport);
      for (let round = 0; round < 20; round++) {
        await Promise.all([0, 1, 2, 3, 4].map(() => calls.call(unary(transport))));
      }
      assert.deepEqual(calls.outcomes, { OK: 100 });
      const executions = new Map(good.flatMap(({ counters }) => [...counters.byRequestId]));
      await calls.assertHeld({ executions });
    } finally {
      await transport.close({ timeoutMs: 0 });
      await Promise.all(good.map((server) => server.close()));
    }
  }));
