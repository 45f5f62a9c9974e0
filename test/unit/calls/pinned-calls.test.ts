import assert from "node:assert/strict";
import { test } from "node:test";
import { Code } from "@connectrpc/connect";
import type { Failure } from "../../../src/base/errors.ts";
import type { MethodSpec } from "../../../src/base/method-spec.ts";
import { LastingStream } from "../../../src/subchannel/lasting-stream.ts";
import type { PinnedBackend } from "../../../src/subchannel/pinned-calls.ts";
import type { Subchannel } from "../../../src/subchannel/subchannel.ts";
import type { FakeConnection, FakeStream } from "../../support/fake-connector.ts";
import { fakePool, pinnedCallsOn, renewEldest, TestCall } from "../../support/fake-pool.ts";
import { settle } from "../../support/manual-clock.ts";

const watch: MethodSpec = {
  service: "grpc.health.v1.Health",
  name: "Watch",
  singleRequest: true,
  singleResponse: false,
  idempotency: "unknown",
};
const request = { method: watch, message: Uint8Array.of(10, 1, 65) };

/** One ready backend, and what pinned calls to it tell. */
async function pinned(options: Parameters<typeof fakePool>[0] = {}) {
  const all = fakePool(options);
  all.pool.wake();
  all.resolver.report("10.0.0.1");
  await settle();
  const subchannel = all.pool.subchannels[0] as Subchannel;
  const heard: (string | Failure | undefined)[] = [];
  const listener = {
    onMessage: (payload: Uint8Array) => heard.push(`message ${payload}`),
    onEnded: (failure: Failure | undefined) => heard.push(failure),
  };
  const calls = pinnedCallsOn(all.clock, all.events);
  const make = (to: PinnedBackend = subchannel) => calls.make(to, request, listener);
  const connection = () => subchannel.connections[0]?.connection as FakeConnection;
  const stream = () => [...connection().streams].at(-1) as FakeStream;
  return { ...all, calls, subchannel, heard, make, connection, stream };
}

test("a pinned call goes to its backend, whatever the policy says, and its messages come as they were sent", async () => {
  const { heard, make, stream, close } = await pinned();
  make().start();
  assert.equal(stream().request.path, "/grpc.health.v1.Health/Watch");
  assert.deepEqual([...(stream().request.body ?? [])], [0, 0, 0, 0, 3, 10, 1, 65]);
  stream().answer(Uint8Array.of(8, 1));
  stream().answer(Uint8Array.of(8, 2));
  stream().endWith(0);
  assert.deepEqual(heard, ["message 8,1", "message 8,2", undefined]);
  close();
});

test("it counts as no call: not in openCalls, not in what is counted for the backend, and an idle connection closes", async () => {
  const live = {
    keepalive: { pingIntervalMs: undefined, pingIdleConnection: false, pingTimeoutMs: 1_000 },
    idleConnectionTimeoutMs: 1_000,
  };
  const { subchannel, heard, make, stream, clock, close } = await pinned({ subchannel: { live } });
  make().start();
  stream().answer(Uint8Array.of(8, 1));
  assert.equal(subchannel.openCalls, 0);
  assert.deepEqual([subchannel.counters.callsStarted, subchannel.counters.callsFailed], [0, 0]);
  await clock.advance(1_100);
  assert.equal(subchannel.state, "idle");
  assert.equal((heard.at(-1) as Failure).kind, "connection-lost");
  close();
});

test("a connection that leaves service is not kept open by it, and it can be made again on the next", async () => {
  const { subchannel, heard, make, connection, stream, close } = await pinned();
  make().start();
  stream().answer(Uint8Array.of(8, 1));
  const elder = connection();
  renewEldest(subchannel);
  await settle();
  assert.equal(elder.closed, true, "it waits for calls only");
  assert.equal((heard.at(-1) as Failure).message, "the connection left service");
  make().start();
  assert.equal(stream().connection, connection());
  assert.notEqual(connection(), elder);
  close();
});

test("without a connection, or without room on it, it fails at once instead of waiting", async () => {
  const { subchannel, heard, make, connection, close, pool } = await pinned();
  connection().allow(1);
  new TestCall(pool).start();
  make().start();
  assert.equal((heard.at(-1) as Failure).code, Code.Unavailable);
  subchannel.disconnect();
  make().start();
  assert.equal(heard.length, 2);
  close();
});

test("a call that was cancelled is reset, and says nothing more", async () => {
  const { heard, make, connection, close } = await pinned();
  const call = make();
  call.start();
  call.cancel();
  call.cancel();
  assert.equal(connection().streams.size, 0);
  assert.deepEqual(heard, []);
  close();
});

test("a compressed message, which nobody asked for, ends the call", async () => {
  const { heard, make, connection, stream, close } = await pinned();
  make().start();
  stream().answer(Uint8Array.of(8, 1), 1);
  assert.equal((heard.at(-1) as Failure).code, Code.Internal);
  assert.equal(heard.length, 1);
  assert.equal(connection().streams.size, 0);
  close();
});

test("a lasting stream is opened again after 1 s, 1.6 s and so on up to 120 s, and a message resets that (gRFC A17)", async () => {
  const { calls, subchannel, clock, connection, stream, close } = await pinned();
  const told: string[] = [];
  const runtime = { clock, random: { next: () => 0.5 }, hold: undefined as never };
  const listener = {
    onMessage: () => told.push("message"),
    onInterrupted: () => told.push("interrupted"),
    onUnimplemented: () => told.push("unimplemented"),
  };
  const lasting = new LastingStream(calls, subchannel, request, { runtime, listener });
  lasting.start();
  let waitMs = 1_000;
  for (let i = 0; i < 13; i++) {
    stream().endWith(Code.Unavailable);
    await clock.advance(waitMs - 1);
    assert.equal(connection().streams.size, 0, `after the wait ${i}`);
    // Sums of fractions.
    await clock.advance(1.001);
    assert.equal(connection().streams.size, 1, `after ${waitMs} ms`);
    waitMs = Math.min(waitMs * 1.6, 120_000);
  }
  assert.equal(waitMs, 120_000);
  stream().answer(Uint8Array.of(8, 1));
  // It lasted longer than the first wait: the next is opened at once.
  await clock.advance(5_000);
  stream().endWith(0);
  await clock.advance(0);
  assert.equal(connection().streams.size, 1);
  stream().endWith(Code.Unimplemented);
  await clock.advance(200_000);
  assert.equal(connection().streams.size, 0);
  assert.equal(told.at(-1), "unimplemented");
  assert.equal(told.filter((one) => one === "unimplemented").length, 1);
  close();
});

test("a lasting stream that is stopped is reset, and not opened again", async () => {
  const { calls, subchannel, clock, connection, stream, close } = await pinned();
  const runtime = { clock, random: { next: () => 0.5 }, hold: undefined as never };
  const listener = { onMessage: () => undefined, onInterrupted: () => undefined, onUnimplemented: () => undefined };
  const lasting = new LastingStream(calls, subchannel, request, { runtime, listener });
  lasting.start();
  stream().endWith(Code.Unavailable);
  lasting.stop();
  await clock.advance(10_000);
  assert.equal(connection().streams.size, 0);
  close();
  assert.equal(clock.pending, 0);
});
