// Backends that end as Kubernetes ends them: SIGTERM, GOAWAY, open calls finish, new addresses, a resolver that hears
// of it late (user-demand scenarios 8 and 9, reliability S01).
import assert from "node:assert/strict";
import { after, describe, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { createClient } from "@connectrpc/connect";
import { EchoService } from "../../../proto/gen/glink/demo/v1/echo_pb.js";
import { parseAddress } from "../../../src/endpoint/address.ts";
import { type Resolver, type ResolverListener, staticResolver } from "../../../src/index.ts";
import { checkForLeaks } from "../../support/leaks.ts";
import { Load, until } from "../../support/load.ts";
import { TestProcesses } from "../../support/processes.ts";
import { glinkTransport } from "../../support/transport.ts";

checkForLeaks();

describe("graceful ends", () => {
  const processes = new TestProcesses();
  after(() => processes.close());

  test("SIGTERM fails no call of any kind: open ones finish where they are, new ones go elsewhere", async () => {
    const backends = await processes.backends(3);
    const transport = glinkTransport({
      baseUrl: "http://echo.test",
      resolver: staticResolver(backends.map(({ address }) => address)),
    });
    const client = createClient(EchoService, transport);
    const load = new Load(transport, { callsPerSecond: 200, delayMs: 20 });
    let openGate = () => {};
    const gate = new Promise<void>((resolve) => {
      openGate = resolve;
    });
    try {
      await until("all backends answer", () => load.answersSince(0).size === 3);
      // Two of each kind per backend, open across the signal.
      const streams = Array.from({ length: 6 }, () => [
        countMessages(client.serverStream({ count: 20, intervalMs: 50 })),
        client.clientStream(slowRequests(gate)).then(({ count }) => count),
        countMessages(client.bidi(slowRequests(gate))),
      ]).flat();
      await until("every backend has open streams", () =>
        transport.snapshot().subchannels.every(({ openCalls }) => openCalls >= 6),
      );
      // One of each library.
      for (const backend of backends.slice(0, 2)) backend.kill("SIGTERM");
      await sleep(200);
      openGate();
      assert.deepEqual(new Set(await Promise.all(streams)), new Set([20]));
      for (const backend of backends.slice(0, 2)) assert.deepEqual(await backend.exited, [0, null]);
      const endedMs = performance.now();
      await until("calls go on", () => (load.answersSince(endedMs).get(backends[2]!.address) ?? 0) > 50);
      await load.stop();
      assert.deepEqual(load.failures, []);
      assert.equal(load.answersSince(endedMs).size, 1);
      // Nothing is left to luck: what was sent again had provably not run.
      for (const { progress } of load.results.flatMap(({ attempts }) => attempts)) assert.notEqual(progress, "unknown");
    } finally {
      load.cancel();
      openGate();
      await transport.close();
    }
  });

  test("a rolling restart onto new addresses, of which the resolver hears a second late, fails no call", async () => {
    let serving = await processes.backends(3, 12);
    const starting = processes.backends(3, 22);
    const addresses = new ChangingAddresses(serving.map(({ address }) => address));
    const transport = glinkTransport({ baseUrl: "http://echo.test", resolver: addresses });
    const load = new Load(transport, { callsPerSecond: 200, delayMs: 10 });
    try {
      await until("all backends answer", () => load.answersSince(0).size === 3);
      for (const next of await starting) {
        const [old, ...kept] = serving;
        serving = [...kept, next];
        old!.kill("SIGTERM");
        assert.deepEqual(await old!.exited, [0, null]);
        await sleep(1_000);
        addresses.publish(serving.map(({ address }) => address));
      }
      const rolledMs = performance.now();
      await until("the new backends answer", () => load.answersSince(rolledMs).size === 3);
      await load.stop();
      assert.deepEqual(load.failures, []);
      for (const { attempts } of load.results) assert.ok(attempts.length <= 2);
    } finally {
      load.cancel();
      await transport.close();
    }
  });
});

/** A resolver that reports a list whenever it is given one, as a user's own for etcd or Consul would. */
class ChangingAddresses implements Resolver {
  readonly name = "changing";
  #addresses: readonly string[];
  readonly #listeners = new Set<ResolverListener>();

  constructor(addresses: readonly string[]) {
    this.#addresses = addresses;
  }

  publish(addresses: readonly string[]): void {
    this.#addresses = addresses;
    for (const listener of this.#listeners) this.#report(listener);
  }

  watch(_: unknown, listener: ResolverListener) {
    this.#listeners.add(listener);
    queueMicrotask(() => this.#report(listener));
    return { refresh: () => this.#report(listener), close: () => void this.#listeners.delete(listener) };
  }

  #report(listener: ResolverListener): void {
    listener.onAddresses(this.#addresses.map((address) => parseAddress(address, 0)));
  }
}

/** Ten messages, a pause in which the server is told to end, and ten more. */
async function* slowRequests(pause: Promise<void>) {
  for (let i = 0; i < 20; i++) {
    if (i === 10) await pause;
    yield { text: String(i) };
  }
}

async function countMessages(messages: AsyncIterable<unknown>): Promise<number> {
  let count = 0;
  for await (const _ of messages) count++;
  return count;
}
