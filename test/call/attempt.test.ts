import assert from "node:assert/strict";
import { test } from "node:test";
import { EchoService } from "../../proto/gen/glink/demo/v1/echo_pb.js";
import { Attempt, type AttemptOwner } from "../../src/call/attempt.ts";
import type { CallRequest } from "../../src/call/call.ts";
import { MessageMemory } from "../../src/call/message-memory.ts";
import type { FakeStream } from "../support/fake-connector.ts";
import { fakePool, pickInfo } from "../support/fake-pool.ts";
import { settle } from "../support/manual-clock.ts";

const deafOwner: AttemptOwner = {
  attemptStarted: () => undefined,
  attemptHeaders: () => undefined,
  attemptMessage: () => undefined,
  attemptWritable: () => undefined,
  attemptEnded: () => undefined,
};

const request: CallRequest = {
  method: {
    desc: EchoService.method.unary,
    head: { path: "/x", fields: [] },
    url: "http://echo.test/x",
    singleRequest: true,
    singleResponse: true,
    idempotent: false,
    serialize: () => new Uint8Array(),
    parse: () => assert.fail("nothing is parsed here"),
  },
  head: { path: "/x", fields: [] },
  metadata: [],
  contextValues: undefined,
  options: {},
  deadlineMs: Number.POSITIVE_INFINITY,
  body: new Uint8Array(5),
};

/** An attempt that is open on a connection with which the pool has parted since: there is a younger one. */
async function attemptOnRetiredConnection() {
  const all = fakePool();
  const { pool, clock, connector, resolver } = all;
  pool.wake();
  resolver.report("10.0.0.1");
  await settle();
  const context = { pool, clock, readMaxBytes: 1_000, messageMemory: new MessageMemory() };
  const attempt = new Attempt(context, request, pickInfo, false, 0, deafOwner);
  attempt.start();
  const elder = connector.open[0]!;
  const [stream] = elder.streams as Iterable<FakeStream> as [FakeStream];
  const [subchannel] = [...pool.subchannels];
  subchannel?.renew(() => undefined);
  await settle();
  const younger = connector.open.find((connection) => connection !== elder);
  assert.ok(younger !== undefined && subchannel?.live?.connection === younger && elder.draining);
  return { ...all, attempt, stream, subchannel, elder, younger };
}

test("an answer on a retired connection proves nothing about its successor", async () => {
  const { stream, subchannel, younger, close } = await attemptOnRetiredConnection();
  stream.listener.onHeaders(200, ["content-type", "application/grpc"], false);
  assert.equal(subchannel.live?.answered, false);
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
