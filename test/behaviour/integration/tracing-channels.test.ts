import assert from "node:assert/strict";
import { subscribe, tracingChannel, unsubscribe } from "node:diagnostics_channel";
import { once } from "node:events";
import { createServer } from "node:http2";
import type { AddressInfo } from "node:net";
import { test } from "node:test";
import { Code, createClient } from "@connectrpc/connect";
import { EchoService } from "../../../proto/gen/glink/demo/v1/echo_pb.js";
import {
  type AttemptContext,
  type CallContext,
  type ConnectContext,
  dnsResolver,
  type ResolveContext,
} from "../../../src/index.ts";
import { fakeDns } from "../../../src/testing/index.ts";
import { startConnectEcho } from "../../support/echo-server.ts";
import { checkForLeaks } from "../../support/leaks.ts";
import { glinkTransport } from "../../support/transport.ts";

checkForLeaks();

const stages = ["start", "end", "asyncStart", "asyncEnd", "error"] as const;

/** What a TracingChannel of Node's hears of one operation: the stages with the one context that all of them have. */
function hear<C>(name: string) {
  const operations = new Map<C, string[]>();
  const note = (stage: string) => (context: unknown) => {
    const heard = operations.get(context as C) ?? [];
    operations.set(context as C, [...heard, stage]);
  };
  const listeners = Object.fromEntries(stages.map((stage) => [stage, note(stage)])) as Record<
    (typeof stages)[number],
    (context: unknown) => void
  >;
  const tracing = tracingChannel(name);
  tracing.subscribe(listeners);
  return { operations, stop: () => tracing.unsubscribe(listeners) };
}

test("a call, its attempts, the dial and the lookup are operations of tracing channels, one context each", async () => {
  const backend = await startConnectEcho();
  const dns = await fakeDns();
  dns.set("echo.test", { addresses: ["127.0.0.1"], ttlSeconds: 60 });
  const calls = hear<CallContext>("glink:call");
  const attempts = hear<AttemptContext>("glink:attempt");
  const dials = hear<ConnectContext>("glink:connect");
  const lookups = hear<ResolveContext>("glink:resolve");
  const target = `http://echo.test:${backend.port}`;
  const transport = glinkTransport({
    baseUrl: target,
    resolver: dnsResolver({ servers: [dns.address] }),
    retry: { initialBackoffMs: 1 },
  });
  const inOrder = ["start", "end", "asyncStart", "asyncEnd"];
  const failed = ["start", "end", "error", "asyncStart", "asyncEnd"];
  try {
    const client = createClient(EchoService, transport);
    const behavior = { failCode: Code.Unavailable, failAttempts: 1, requestId: "tracing" };
    await client.unary({ behavior }, { timeoutMs: 600_000 });
    await assert.rejects(client.unary({ text: "s3cret", behavior: { failCode: Code.NotFound } }));
    const [[first, firstStages], [second, secondStages]] = [...calls.operations] as [
      [CallContext, string[]],
      [CallContext, string[]],
    ];
    assert.deepEqual([firstStages, secondStages], [inOrder, failed]);
    const { header: _, durationMs, ...facts } = first;
    assert.deepEqual(facts, {
      target,
      serverAddress: "echo.test",
      serverPort: backend.port,
      service: "glink.demo.v1.EchoService",
      method: "Unary",
      kind: "unary",
      timeoutMs: 600_000,
      code: undefined,
      attempts: 2,
      address: `127.0.0.1:${backend.port}`,
    });
    assert.equal(typeof durationMs, "number");
    assert.deepEqual([second.code, second.error?.kind], [Code.NotFound, "status"]);
    assert.equal(second.error?.message, "the server answered with the status NotFound");
    assert.deepEqual([...attempts.operations.values()], [failed, inOrder, failed]);
    const [lost, answered] = [...attempts.operations.keys()];
    assert.ok(lost?.call === first && answered?.call === first);
    assert.deepEqual([lost.attempt, lost.code, lost.failureKind, answered.attempt], [1, Code.Unavailable, "status", 2]);
    assert.equal(typeof lost.retryDelayMs, "number");
    assert.deepEqual([...dials.operations.values()], [inOrder]);
    assert.equal([...dials.operations.keys()][0]?.remoteAddress, `127.0.0.1:${backend.port}`);
    // The attempt that failed asks the resolver to look again: on a slow machine it does so before the test is over.
    const [[lookup, lookupStages] = []] = lookups.operations;
    assert.deepEqual([lookupStages, lookup?.addresses], [inOrder, 1]);
  } finally {
    await transport.close();
    for (const one of [calls, attempts, dials, lookups]) one.stop();
    await dns.close();
    await backend.close();
  }
});

test("whoever hears a call's start sets headers of all its attempts, and whoever comes later is told that it is too late", async () => {
  const sent: unknown[] = [];
  const server = createServer().listen(0, "127.0.0.1");
  server.on("stream", (stream, headers) => {
    sent.push(headers["x-trace"]);
    stream.respond({ ":status": 200, "content-type": "application/grpc", "grpc-status": "14" }, { endStream: true });
  });
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  const transport = glinkTransport({
    baseUrl: `http://127.0.0.1:${port}`,
    retry: { initialBackoffMs: 1, maxAttempts: 2 },
  });
  const refusals: unknown[] = [];
  const trying = (set: () => void) => {
    try {
      set();
    } catch (error) {
      refusals.push(error);
    }
  };
  const atStart = (context: unknown) => {
    const { header } = context as CallContext;
    header.set("x-trace", "1-2-3");
    trying(() => header.set("x-trace", "two\nlines"));
  };
  const atEnd = (context: unknown) => trying(() => (context as CallContext).header.set("x-late", "1"));
  subscribe("tracing:glink:call:start", atStart);
  subscribe("tracing:glink:call:asyncEnd", atEnd);
  try {
    await assert.rejects(createClient(EchoService, transport).unary({}));
    assert.deepEqual(sent, ["1-2-3", "1-2-3"]);
    assert.match(String(refusals[0]), /x-trace/);
    assert.match(String(refusals[1]), /x-late is set too late/);
    assert.equal(refusals.length, 2);
  } finally {
    unsubscribe("tracing:glink:call:start", atStart);
    unsubscribe("tracing:glink:call:asyncEnd", atEnd);
    await transport.close();
    server.close();
  }
});

test("the dial of a transport that is closed meanwhile is over for whoever follows it", async () => {
  const dials = hear<ConnectContext>("glink:connect");
  // Nobody answers there (RFC 5737).
  const transport = glinkTransport({ baseUrl: "http://192.0.2.1:1" });
  try {
    await assert.rejects(createClient(EchoService, transport).unary({}, { timeoutMs: 50 }));
    await transport.close();
    for (const [context, heard] of dials.operations) {
      assert.equal(heard.at(-1), "asyncEnd");
      assert.ok(context.givenUp === true || context.error !== undefined);
    }
    assert.ok(dials.operations.size > 0);
  } finally {
    dials.stop();
    await transport.close();
  }
});
