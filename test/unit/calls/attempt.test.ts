import assert from "node:assert/strict";
import { test } from "node:test";
import { Code } from "@connectrpc/connect";
import { canceledFailure, type Failure } from "../../../src/base/errors.ts";
import { Attempt } from "../../../src/calls/attempt.ts";
import type { AttemptCall } from "../../../src/calls/attempt-call.ts";
import type { CallListener, CallRequest } from "../../../src/calls/call.ts";
import { ResponseGate } from "../../../src/calls/response-gate.ts";
import { CallCounters } from "../../../src/observe/counters.ts";
import type { CallSource, PendingCall } from "../../../src/pool/call-source.ts";
import { grpc } from "../../../src/protocol/grpc/grpc.ts";
import { MessageMemory } from "../../../src/protocol/message-memory.ts";
import type { Backend } from "../../../src/subchannel/backend.ts";
import type { CallConnection } from "../../../src/subchannel/call-connection.ts";
import type { FakeStream } from "../../support/fake-connector.ts";
import { fakePool, pickInfo, renewEldest } from "../../support/fake-pool.ts";
import { settle } from "../../support/manual-clock.ts";

const deafListener: CallListener = {
  onHeaders: () => undefined,
  onMessage: () => undefined,
  onWritable: () => undefined,
  onEnd: () => undefined,
};

const deafCall: AttemptCall<Attempt> = {
  pickInfo,
  waitForReady: false,
  gate: new ResponseGate(true, deafListener, { onCommitted: () => undefined }),
  onAttemptStarted: () => undefined,
  onAttemptWritable: () => undefined,
  onAttemptEnded: () => undefined,
};

const request: CallRequest = {
  method: pickInfo.method,
  head: { path: "/x", fields: [] },
  metadata: [],
  contextValues: undefined,
  options: {},
  deadlineMs: Number.POSITIVE_INFINITY,
  trace: undefined,
  body: new Uint8Array(5),
};

/** An attempt that is open on the only connection of a pool, and the failures with which it ended. */
async function openAttempt() {
  const all = fakePool();
  const { pool, clock, connector, resolver } = all;
  pool.wake();
  resolver.report("10.0.0.1");
  await settle();
  const ends: (Failure | undefined)[] = [];
  const call: AttemptCall<Attempt> = { ...deafCall, onAttemptEnded: (_, failure) => ends.push(failure) };
  const limits = { readMaxBytes: 1_000, messageMemory: new MessageMemory() };
  const counters = new CallCounters();
  const context = { source: pool, protocol: grpc, limits, clock, events: all.events, counters };
  const attempt = new Attempt(context, request, call, undefined);
  attempt.start();
  const connection = connector.open[0]!;
  const [stream] = connection.streams as Iterable<FakeStream> as [FakeStream];
  return { ...all, attempt, connection, stream, ends };
}

/** An attempt that is open on a connection with which the pool has parted since: there is a younger one. */
async function attemptOnRetiredConnection() {
  const all = await openAttempt();
  const { pool, connector, connection: elder } = all;
  const [subchannel] = [...pool.subchannels];
  renewEldest(subchannel);
  await settle();
  const younger = connector.open.find((connection) => connection !== elder);
  assert.ok(younger !== undefined && subchannel?.connections[0]?.connection === younger && elder.draining);
  return { ...all, subchannel, elder, younger };
}

const grpcHeaders = ["content-type", "application/grpc"];

test("a request whose answer has begun may have run, even if a late GOAWAY calls it refused", async () => {
  const { stream, ends, close } = await openAttempt();
  stream.listener.onHeaders(200, grpcHeaders, false);
  stream.listener.onClosed({ kind: "goaway", code: Code.Unavailable, progress: "refused", message: "late" });
  assert.deepEqual(
    ends.map((failure) => failure?.progress),
    ["unknown"],
  );
  close();
});

test("a grpc-status in the headers does not end a response that has a message and no status in its trailers", async () => {
  const { stream, ends, close } = await openAttempt();
  stream.listener.onHeaders(200, [...grpcHeaders, "grpc-status", "0"], false);
  stream.listener.onData(new Uint8Array(5), 0, 5);
  stream.listener.onTrailers(["x-other", "1"]);
  assert.match(ends[0]?.message ?? "", /missing status/);
  close();
});

test("the server's error is the call's, though the message before it was cut short", async () => {
  const { stream, ends, close } = await openAttempt();
  stream.listener.onHeaders(200, grpcHeaders, false);
  // One byte of the nine that the prefix announces.
  stream.listener.onData(Uint8Array.of(0, 0, 0, 0, 9, 1), 0, 6);
  stream.listener.onTrailers(["grpc-status", "8", "grpc-message", "enough"]);
  assert.deepEqual([ends[0]?.kind, ends[0]?.code, ends[0]?.message], ["status", Code.ResourceExhausted, "enough"]);
  close();
});

test("an answer on a retired connection proves nothing about its successor", async () => {
  const { stream, subchannel, younger, close } = await attemptOnRetiredConnection();
  stream.listener.onHeaders(200, grpcHeaders, false);
  assert.equal(subchannel.connections[0]?.answered, false);
  younger.lose();
  assert.equal(subchannel.state, "transient-failure", "the next dial waits out the backoff");
  close();
});

test("a timeout on a retired connection has that connection asked whether it lives, and no other", async () => {
  const { attempt, elder, younger, clock, close } = await attemptOnRetiredConnection();
  attempt.suspect();
  assert.deepEqual([elder.pings, younger.pings], [1, 0]);
  await clock.advance(1_000);
  assert.deepEqual([elder.closed, younger.closed], [true, false]);
  close();
});

test("a pick tracker that ends the call as it starts hears of the end, and the stream is reset", () => {
  const told: string[] = [];
  const stream = { reset: (code: number) => told.push(`reset ${code}`) };
  const connection = { address: "10.0.0.1:1", request: () => stream } as unknown as CallConnection;
  const tracker = {
    started() {
      told.push("started");
      attempt.abandon(canceledFailure(undefined));
    },
    ended: () => told.push("ended"),
  };
  const { pool, clock, events, close } = fakePool();
  const source = {
    ...pool,
    dispatch: (call: PendingCall) => call.onPicked(connection, { backend: {} as Backend, tracker }),
    withdraw: () => undefined,
  } as unknown as CallSource;
  const limits = { readMaxBytes: 1_000, messageMemory: new MessageMemory() };
  const context = { source, protocol: grpc, limits, clock, events, counters: new CallCounters() };
  const call = { ...deafCall, onAttemptStarted: () => told.push("on its way") };
  const attempt = new Attempt(context, request, call, undefined);
  attempt.start();
  assert.deepEqual(told, ["started", "reset 8", "ended"]);
  assert.equal(attempt.isOnStream, false);
  close();
});
