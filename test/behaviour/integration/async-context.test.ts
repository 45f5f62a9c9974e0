import assert from "node:assert/strict";
import { AsyncLocalStorage } from "node:async_hooks";
import { connect } from "node:net";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { Code, createClient, createContextValues } from "@connectrpc/connect";
import { EchoService } from "../../../proto/gen/glink/demo/v1/echo_pb.js";
import { parseAddress } from "../../../src/endpoint/address.ts";
import { type GlinkCallOptions, glinkCall, type Resolver } from "../../../src/index.ts";
import { startConnectEcho } from "../../support/echo-server.ts";
import { checkForLeaks } from "../../support/leaks.ts";
import { until } from "../../support/load.ts";
import { glinkTransport } from "../../support/transport.ts";

/*
 * A transport lives longer than the call that woke it: its sockets, timers and lookups are nobody's request.
 */

checkForLeaks();

test("what the pool does later is not done in the async context of the first call, which can be collected", async () => {
  const storage = new AsyncLocalStorage<object>();
  const backend = await startConnectEcho();
  const transport = glinkTransport({ baseUrl: `http://${backend.address}`, maxConnectionAgeMs: 1_000 });
  const contexts: unknown[] = [];
  let replaced = false;
  let collected = false;
  const registry = new FinalizationRegistry(() => {
    collected = true;
  });
  transport.subscribe((event) => {
    contexts.push(storage.getStore());
    if (event.type === "connection-draining") replaced = true;
  });
  const firstCall = () =>
    storage.run({ request: 1 }, async () => {
      registry.register(storage.getStore() as object, undefined);
      await createClient(EchoService, transport).unary({});
    });
  try {
    await firstCall();
    await until("the connection was replaced", () => replaced);
    assert.deepEqual([...new Set(contexts)], [undefined]);
    for (let i = 0; i < 50 && !collected; i++) {
      globalThis.gc?.();
      await sleep(20);
    }
    assert.ok(collected, "the store of the first call is still held");
  } finally {
    await transport.close();
    await backend.close();
  }
});

test("background work is in no context, though transport and calls were made in one; the caller's code is in the caller's", async () => {
  const storage = new AsyncLocalStorage<string>();
  const backends = [await startConnectEcho(), await startConnectEcho()];
  const inBackground: Record<string, (string | undefined)[]> = {
    watch: [],
    refresh: [],
    dial: [],
    timer: [],
    event: [],
  };
  const note = (where: string) => inBackground[where]?.push(storage.getStore());
  const inCall: Record<string, (string | undefined)[]> = { onAttempt: [], iterable: [] };
  const resolver: Resolver = {
    name: "noting",
    watch(_target, listener) {
      note("watch");
      setTimeout(() => {
        note("timer");
        listener.onAddresses(backends.map(({ address }) => parseAddress(address, 1)));
      }, 1);
      return { refresh: () => note("refresh"), close: () => undefined };
    },
  };
  const createConnection = ({ hostname, port }: URL) => {
    note("dial");
    return connect(Number(port), hostname);
  };
  const transport = storage.run("maker", () =>
    glinkTransport({ baseUrl: "http://echo.test", resolver, nodeOptions: { createConnection } }),
  );
  transport.subscribe(({ type }) => type === "subchannel-state" && note("event"));
  const options: GlinkCallOptions = {
    onAttempt: () => inCall.onAttempt?.push(storage.getStore()),
    retry: { initialBackoffMs: 1 },
  };
  const contextValues = createContextValues().set(glinkCall, options);
  async function* requests() {
    for (let i = 0; i < 3; i++) {
      inCall.iterable?.push(storage.getStore());
      yield { text: "x" };
    }
  }
  const client = createClient(EchoService, transport);
  try {
    await storage.run("caller", async () => {
      await client.clientStream(requests(), { contextValues });
      // Fails, asks the resolver again, and has backends asked whether they live.
      const behavior = { failCode: Code.Unavailable, failAttempts: 1, requestId: "context" };
      await client.unary({ behavior }, { contextValues });
      await assert.rejects(client.unary({ behavior: { delayMs: 60_000 } }, { contextValues, timeoutMs: 20 }));
    });
    // Whoever holds the process lets go in a call; whoever dials again is told within it.
    for (const backend of backends) await backend.close();
    await storage.run("caller", () => assert.rejects(client.unary({}, { contextValues })));
    for (const [where, stores] of Object.entries(inBackground)) {
      assert.deepEqual([...new Set(stores)], [undefined], where);
    }
    for (const [where, stores] of Object.entries(inCall)) {
      assert.deepEqual([...new Set(stores)], ["caller"], where);
    }
  } finally {
    await transport.close();
    for (const backend of backends) await backend.close();
  }
});

test("instrumentation may give background work a context of its own, which no call's own work is in", async () => {
  const storage = new AsyncLocalStorage<string>();
  const backend = await startConnectEcho();
  const contexts: Record<string, (string | undefined)[]> = { watch: [], dial: [], event: [], call: [] };
  const note = (where: string) => contexts[where]?.push(storage.getStore());
  const resolver: Resolver = {
    name: "noting",
    watch(_target, listener) {
      note("watch");
      setTimeout(() => listener.onAddresses([parseAddress(backend.address, 1)]), 1);
      return { refresh: () => undefined, close: () => undefined };
    },
  };
  const createConnection = ({ hostname, port }: URL) => {
    note("dial");
    return connect(Number(port), hostname);
  };
  const instrumentation = [
    { background: <T>(build: () => T) => storage.run("background", build) },
    // One that forgets what it is for, and one that throws, change nothing.
    { background: () => undefined as never },
    {
      callStarted() {
        note("call");
        return undefined;
      },
    },
  ];
  const transport = storage.run("maker", () =>
    glinkTransport({ baseUrl: "http://echo.test", resolver, nodeOptions: { createConnection }, instrumentation }),
  );
  transport.subscribe(({ type }) => type === "subchannel-state" && note("event"));
  try {
    await storage.run("caller", () => createClient(EchoService, transport).unary({}));
    for (const [where, stores] of Object.entries(contexts)) {
      assert.deepEqual([...new Set(stores)], [where === "call" ? "caller" : "background"], where);
    }
  } finally {
    await transport.close();
    await backend.close();
  }
});
