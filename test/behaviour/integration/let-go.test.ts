import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { setImmediate as nextTurn, setTimeout as sleep } from "node:timers/promises";
import { createClient } from "@connectrpc/connect";
import { EchoService } from "../../../proto/gen/glink/demo/v1/echo_pb.js";
import {
  type ChannelView,
  dnsResolver,
  type GlinkEvent,
  type GlinkTransportOptions,
  type Instrumentation,
} from "../../../src/index.ts";
import { fakeDns } from "../../../src/testing/index.ts";
import { startConnectEcho } from "../../support/echo-server.ts";
import { checkForLeaks } from "../../support/leaks.ts";
import { until } from "../../support/load.ts";
import { glinkTransport } from "../../support/transport.ts";

checkForLeaks();

/** Waits, and collects garbage meanwhile. */
async function untilCollected(what: string, condition: () => boolean): Promise<void> {
  await until(what, () => {
    globalThis.gc?.();
    return condition();
  });
}

/** A server, and a DNS server that has its TTLs kept short, so that lookups never stop by themselves. */
async function scene() {
  const backend = await startConnectEcho();
  const dns = await fakeDns();
  dns.set("echo.test", { addresses: ["127.0.0.1"], ttlSeconds: 1 });
  const types: GlinkEvent["type"][] = [];
  const connect = (options: Partial<GlinkTransportOptions> = {}) => {
    const transport = glinkTransport({
      baseUrl: `http://echo.test:${backend.port}`,
      resolver: dnsResolver({ servers: [dns.address], timeoutMs: 60_000 }),
      ...options,
    });
    transport.subscribe(({ type }) => types.push(type));
    return createClient(EchoService, transport);
  };
  return {
    backend,
    dns,
    types,
    connect,
    isClosed: () => types.includes("closed") && backend.sessions.size === 0,
    async close() {
      await backend.close();
      await dns.close();
    },
  };
}

describe("a transport that was let go without close()", () => {
  test("closes its connections and stops its lookups", async () => {
    const { backend, dns, connect, isClosed, close } = await scene();
    assert.equal((await connect().unary({ text: "x" })).text, "x");
    assert.equal(backend.sessions.size, 1);
    await untilCollected("it is closed", isClosed);
    const queries = dns.queries("echo.test");
    await sleep(2_500);
    assert.equal(dns.queries("echo.test"), queries, "two TTLs later nobody has asked");
    await close();
  });

  test("does so after streams and interceptors too", async () => {
    const { connect, isClosed, close } = await scene();
    const use = async () => {
      const client = connect({ interceptors: [(next) => (request) => next(request)] });
      for await (const _ of client.serverStream({ count: 3 }));
      await client.unary({});
      await assert.rejects(client.unary({ behavior: { delayMs: 1_000 } }, { timeoutMs: 20 }));
    };
    await use();
    await untilCollected("it is closed", isClosed);
    await close();
  });

  test("lives on for a stream that is being read", async () => {
    const { backend, connect, isClosed, close } = await scene();
    const open = () => connect().serverStream({ count: 40, intervalMs: 10 });
    let count = 0;
    for await (const _ of open()) {
      count++;
      globalThis.gc?.();
      await nextTurn();
      assert.equal(isClosed(), false);
    }
    assert.deepEqual([count, backend.connections()], [40, 1]);
    await untilCollected("it is closed", isClosed);
    await close();
  });

  test("lives on for a call that is under way", async () => {
    const { connect, isClosed, close } = await scene();
    const call = connect().unary({ text: "late", behavior: { delayMs: 500 } });
    const collecting = setInterval(() => globalThis.gc?.(), 20);
    assert.equal((await call).text, "late");
    clearInterval(collecting);
    await untilCollected("it is closed", isClosed);
    await close();
  });

  test("lives on while somebody holds its client", async () => {
    const { backend, connect, isClosed, close } = await scene();
    const hold = async () => {
      const client = connect();
      await client.unary({});
      for (let i = 0; i < 10; i++) {
        globalThis.gc?.();
        await sleep(10);
      }
      assert.equal(isClosed(), false);
      await client.unary({});
    };
    await hold();
    assert.equal(backend.connections(), 1);
    await untilCollected("it is closed", isClosed);
    await close();
  });

  test("though instrumentation keeps its view, and takes snapshots", async () => {
    const views: ChannelView[] = [];
    const { connect, isClosed, close } = await scene();
    const instrumentation: Instrumentation = {
      attach(view) {
        views.push(view);
        return () => undefined;
      },
    };
    const use = async () => {
      const client = connect({ instrumentation });
      await client.unary({});
      // A response that nobody reads.
      const responses = client.serverStream({ count: 3 })[Symbol.asyncIterator]();
      await responses.next();
    };
    await use();
    await untilCollected("it is closed", () => {
      for (const view of views) view.snapshot();
      return isClosed();
    });
    assert.equal(views[0]?.snapshot().state, "shutdown");
    await close();
  });

  test("is not closed again when it was closed before", async () => {
    const { types, close } = await scene();
    let collected = false;
    const registry = new FinalizationRegistry(() => {
      collected = true;
    });
    const use = async () => {
      const transport = glinkTransport({ baseUrl: "http://127.0.0.1:1" });
      registry.register(transport, undefined);
      transport.subscribe(({ type }) => types.push(type));
      await transport.close();
    };
    await use();
    await untilCollected("it is collected", () => collected);
    await sleep(50);
    assert.deepEqual(types, ["closed"]);
    await close();
  });
});
