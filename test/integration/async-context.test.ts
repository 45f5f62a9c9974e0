import assert from "node:assert/strict";
import { AsyncLocalStorage } from "node:async_hooks";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { createClient } from "@connectrpc/connect";
import { EchoService } from "../../proto/gen/glink/demo/v1/echo_pb.js";
import { startConnectEcho } from "../support/echo-server.ts";
import { checkForLeaks } from "../support/leaks.ts";
import { until } from "../support/load.ts";
import { glinkTransport } from "../support/transport.ts";

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
