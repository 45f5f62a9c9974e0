import assert from "node:assert/strict";
import { test } from "node:test";
import { Code, ConnectError, createClient, createContextValues } from "@connectrpc/connect";
import { EchoService } from "../../../proto/gen/glink/demo/v1/echo_pb.js";
import {
  type AttemptReport,
  type GlinkTransportOptions,
  glinkCall,
  glinkFailureOf,
  staticResolver,
} from "../../../src/index.ts";
import {
  type EchoBackend,
  type EchoServerOptions,
  startConnectEcho,
  startGrpcJsEcho,
} from "../../support/echo-server.ts";
import { checkForLeaks } from "../../support/leaks.ts";
import { until } from "../../support/load.ts";
import { glinkTransport } from "../../support/transport.ts";
import { collect } from "./calls-harness.ts";

checkForLeaks();

const servers = { "connect-node": startConnectEcho, "grpc-js": startGrpcJsEcho };

const reconnectBackoff = { initialBackoffMs: 20, maxBackoffMs: 20 };

const waits = createContextValues().set(glinkCall, { waitForReady: true });

/** Every attempt at once, of any method: what runs and what is cancelled does not depend on time. */
const atOnce = { delayMs: 0, maxAttempts: 3, idempotentOnly: false };

async function withBackends(
  start: (options?: EchoServerOptions) => Promise<EchoBackend>,
  options: Partial<GlinkTransportOptions>,
  work: (context: {
    readonly client: ReturnType<typeof createClient<typeof EchoService>>;
    readonly backends: readonly EchoBackend[];
    readonly hedges: () => number;
  }) => Promise<void>,
): Promise<void> {
  const backends = [await start(), await start(), await start()];
  const resolver = staticResolver(backends.map(({ address }) => address));
  const transport = glinkTransport({ baseUrl: "http://echo.test:50051", resolver, ...options });
  try {
    await transport.ready();
    await until("all are ready", () => transport.snapshot().subchannels.every(({ state }) => state === "ready"));
    await work({
      client: createClient(EchoService, transport),
      backends,
      hedges: () => transport.snapshot().calls.hedges,
    });
  } finally {
    await transport.close({ timeoutMs: 0 });
    for (const backend of backends) await backend.close();
  }
}

function sumOf(backends: readonly EchoBackend[], count: "executions" | "aborted" | "running"): number {
  return backends.reduce((sum, { counters }) => sum + counters[count], 0);
}

for (const [name, start] of Object.entries(servers)) {
  test(`a hedged stream of a ${name} server is one stream, whole; the handlers of the others are cancelled`, () =>
    withBackends(start, { hedging: atOnce }, async ({ client, backends, hedges }) => {
      const messages = await collect(client.serverStream({ count: 4, intervalMs: 40 }));
      assert.deepEqual(
        messages.map(({ index }) => index),
        [0, 1, 2, 3],
      );
      assert.equal(new Set(messages.map(({ served }) => served?.backend)).size, 1, "all are from one backend");
      const executions = sumOf(backends, "executions");
      assert.equal(executions, hedges() + 1);
      await until("the losers are cancelled", () => sumOf(backends, "aborted") === executions - 1);
    }));

  test(`a hedged stream of a ${name} server that refuses what was asked for ends with that, and is executed no more`, () =>
    withBackends(start, { hedging: { ...atOnce, delayMs: 600_000 } }, async ({ client, backends }) => {
      const behavior = { failCode: Code.NotFound, failMessage: "no such thing" };
      await assert.rejects(collect(client.serverStream({ count: 1, behavior })), { code: Code.NotFound });
      assert.equal(sumOf(backends, "executions"), 1);
    }));

  test(`a call that waits for a ${name} server is not hedged while it waits, and is once it has a stream`, async () => {
    const gone = await start();
    const { port, address } = gone;
    await gone.close();
    const transport = glinkTransport({ baseUrl: `http://${address}`, hedging: atOnce, reconnectBackoff });
    const client = createClient(EchoService, transport);
    try {
      const answered = client.unary({ text: "at last", behavior: { delayMs: 100 } }, { contextValues: waits });
      await until("it waits", () => transport.snapshot().queuedCalls === 1);
      await until("a dial has failed", () => transport.snapshot().state === "transient-failure");
      assert.equal(transport.snapshot().calls.hedges, 0);
      const backend = await start({ port });
      try {
        assert.equal((await answered).text, "at last");
        assert.deepEqual([backend.counters.executions, transport.snapshot().calls.hedges], [3, 2]);
      } finally {
        await backend.close();
      }
    } finally {
      await transport.close({ timeoutMs: 0 });
    }
  });
}

test("a caller who aborts as it hears of the losers leaves no attempt of a hedged stream open, the winner neither", () =>
  withBackends(startConnectEcho, { hedging: atOnce }, async ({ client, backends }) => {
    const controller = new AbortController();
    const onAttempt = ({ code }: AttemptReport) => {
      if (code === Code.Canceled) controller.abort();
    };
    const contextValues = createContextValues().set(glinkCall, { onAttempt });
    const request = { count: 1_000_000, intervalMs: 5 };
    const stream = client.serverStream(request, { contextValues, signal: controller.signal });
    await assert.rejects(collect(stream), { code: Code.Canceled });
    await until("all handlers are cancelled", () => sumOf(backends, "aborted") === sumOf(backends, "executions"));
  }));

test("a hedged call that waits for ready outlives the only server, and is executed once by each that it met", async () => {
  const first = await startConnectEcho();
  const { port, address } = first;
  const hedging = { ...atOnce, delayMs: 600_000 };
  const transport = glinkTransport({ baseUrl: `http://${address}`, hedging, reconnectBackoff });
  const client = createClient(EchoService, transport);
  try {
    const answered = client.unary({ text: "at last", behavior: { delayMs: 200 } }, { contextValues: waits });
    await until("it is executed", () => first.counters.executions === 1);
    await first.close();
    await until("it waits", () => transport.snapshot().queuedCalls === 1);
    const second = await startConnectEcho({ port });
    try {
      assert.equal((await answered).text, "at last");
      assert.deepEqual([first.counters.executions, second.counters.executions], [1, 1]);
    } finally {
      await second.close();
    }
  } finally {
    await transport.close({ timeoutMs: 0 });
  }
});

test("the deadline of a hedged call that waits for ready holds while it waits, and its error says for whom", async () => {
  const gone = await startConnectEcho();
  await gone.close();
  const transport = glinkTransport({ baseUrl: `http://${gone.address}`, hedging: atOnce, reconnectBackoff });
  const client = createClient(EchoService, transport);
  try {
    const failed = client.serverStream({ count: 1 }, { contextValues: waits, timeoutMs: 150 });
    const error = await collect(failed).then(() => assert.fail(), ConnectError.from);
    assert.equal(error.code, Code.DeadlineExceeded);
    assert.match(error.rawMessage, /no connection was ready/);
    assert.match(error.rawMessage, new RegExp(gone.address));
    assert.equal(glinkFailureOf(error)?.attempts, 1);
  } finally {
    await transport.close({ timeoutMs: 0 });
  }
});
