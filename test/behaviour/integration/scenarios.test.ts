import assert from "node:assert/strict";
import { test } from "node:test";
import { ConnectError, createClient } from "@connectrpc/connect";
import { EchoService } from "../../../proto/gen/glink/demo/v1/echo_pb.js";
import { type GlinkEvent, staticResolver } from "../../../src/index.ts";
import { ca, serverIdentity } from "../../support/certificates.ts";
import { startConnectEcho } from "../../support/echo-server.ts";
import { checkForLeaks } from "../../support/leaks.ts";
import { until } from "../../support/load.ts";
import { glinkTransport } from "../../support/transport.ts";
import { callMany, readyCount, withPool } from "./pool-harness.ts";

checkForLeaks();

for (const [name, tls] of [
  ["plaintext", undefined],
  ["TLS", serverIdentity],
] as const) {
  test(`GOAWAY on an idle ${name} connection and a call in the same tick, 200 times: no call fails`, async () => {
    const backend = await startConnectEcho(tls === undefined ? {} : { tls });
    const transport = glinkTransport({
      baseUrl: `${tls === undefined ? "http" : "https"}://echo.test:50051`,
      resolver: staticResolver([backend.address]),
      ...(tls === undefined ? {} : { nodeOptions: { ca } }),
    });
    const client = createClient(EchoService, transport);
    try {
      for (let round = 0; round < 200; round++) {
        await transport.ready();
        for (const session of backend.sessions) session.close();
        assert.equal((await client.unary({ text: "still here" })).text, "still here");
      }
      // A call that was cut on its way may have run, and ran again.
      assert.ok(backend.counters.executions >= 200);
    } finally {
      await transport.close();
      await backend.close();
    }
  });
}

test("a backend that goes is told in order: GOAWAY, the loss, the drain, the redial; and its call has an answer from another", () =>
  withPool({ servers: 2 }, async ({ backends, client, events, transport }) => {
    await transport.ready();
    await until("both are ready", () => readyCount(transport) === 2);
    // Backends that have answered: a loss is then followed by a dial at once.
    await callMany(client, 4);
    const before = events.length;
    const calls = [client.unary({ behavior: { delayMs: 300 } }), client.unary({ behavior: { delayMs: 300 } })];
    await until("both backends work", () => backends.every(({ counters }) => counters.running === 1));
    const [victim] = backends;
    await victim?.close();
    await Promise.all(calls);
    const ofVictim = () =>
      events.slice(before).filter((event) => "address" in event && event.address === victim?.address);
    await until("the redial was refused", () => ofVictim().map(inShort).includes("connecting → transient-failure"));
    const told = ofVictim().map(inShort);
    assert.deepEqual(told.slice(0, 4), ["goaway", "ready → idle", "connection-draining", "idle → connecting"]);
    assert.equal(told.filter((text) => /^attempt 1 failed: .*, next in 0 ms$/.test(text)).length, 1);
  }));

test("when all backends are replaced within seconds, calls recover as soon as DNS shows the new ones", () =>
  withPool({ servers: 4, listed: 2, transport: { retry: { maxAttempts: 5 } } }, async (setUp) => {
    const { backends, client, resolver, transport } = setUp;
    await transport.ready();
    await until("two are ready", () => readyCount(transport) === 2);
    for (const backend of backends.slice(0, 2)) await backend.close();
    await assert.rejects(client.unary({}, { timeoutMs: 300 }));
    resolver.set(...backends.slice(2).map(({ address }) => address));
    const { served } = await client.unary({}, { timeoutMs: 5_000 });
    assert.ok(backends.slice(2).some(({ address }) => address === served?.backend));
  }));

test("the error of a call that timed out names the backend, the attempts and the last error", () =>
  withPool({ servers: 1 }, async ({ backends, client }) => {
    const failing = { failCode: 14, failMessage: "not now", failAttempts: 1, requestId: "a" };
    const error = await client.unary({ behavior: { ...failing, delayMs: 1_000 } }, { timeoutMs: 1_500 }).then(
      () => assert.fail("the call has no time for its second attempt"),
      (reason: unknown) => ConnectError.from(reason),
    );
    assert.match(
      error.message,
      new RegExp(`timed out .*backend ${backends[0]?.address}, 2 attempts, last error: Unavailable.*not now`),
    );
  }));

function inShort(event: GlinkEvent): string {
  if (event.type === "subchannel-state") return `${event.from} → ${event.to}`;
  if (event.type === "attempt-failed") {
    return `attempt ${event.attempt} failed: ${event.error.kind}, next in ${event.retryDelayMs} ms`;
  }
  return event.type;
}
