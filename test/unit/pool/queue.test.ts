import assert from "node:assert/strict";
import { test } from "node:test";
import { Code } from "@connectrpc/connect";
import { pickFromReady } from "../../../src/balancing/policy.ts";
import { CallQueue } from "../../../src/pool/call-queue.ts";
import type { PendingCall } from "../../../src/pool/call-source.ts";
import type { QueueLimits } from "../../../src/pool/dispatcher.ts";
import { fakePool, pickInfo, renewEldest, TestCall } from "../../support/fake-pool.ts";
import { settle } from "../../support/manual-clock.ts";

async function limitedPool(maxConcurrentStreams: number, limits: Partial<QueueLimits> = {}) {
  const all = fakePool(limits);
  all.connector.answerWith((dial) => dial.succeed(maxConcurrentStreams));
  all.pool.wake();
  all.resolver.report("10.0.0.1");
  await settle();
  return all;
}

test("calls wait for a stream slot, first come first served", async () => {
  const { pool, close } = await limitedPool(2);
  const calls = Array.from({ length: 6 }, () => new TestCall(pool).start());
  assert.deepEqual(
    calls.map(({ waits }) => waits),
    [false, false, true, true, true, true],
  );
  calls[0]?.stream?.finish();
  assert.deepEqual(
    calls.map(({ waits }) => waits),
    [false, false, false, true, true, true],
  );
  calls[1]?.stream?.finish();
  calls[2]?.stream?.finish();
  assert.deepEqual(
    calls.map(({ waits }) => waits),
    [false, false, false, false, false, true],
  );
  assert.equal(pool.queuedCalls, 1);
  close();
});

test("50 calls under a limit of 1 never exceed it and all get their turn", async () => {
  const { pool, connector, close } = await limitedPool(1);
  const calls = Array.from({ length: 50 }, () => new TestCall(pool).start());
  for (const call of calls) {
    assert.equal(call.waits, false);
    assert.equal(connector.open[0]?.openStreams, 1);
    call.stream?.finish();
  }
  assert.equal(connector.open[0]?.openStreams, 0);
  close();
});

test("a raised limit lets waiting calls go", async () => {
  const { pool, connector, close } = await limitedPool(1);
  const calls = Array.from({ length: 4 }, () => new TestCall(pool).start());
  connector.open[0]?.allow(3);
  assert.deepEqual(
    calls.map(({ waits }) => waits),
    [false, false, false, true],
  );
  close();
});

test("waiting calls go to a backend that appears", async () => {
  const { pool, resolver, close } = await limitedPool(1);
  const calls = Array.from({ length: 2 }, () => new TestCall(pool).start());
  resolver.report("10.0.0.1", "10.0.0.2");
  await settle();
  assert.equal(calls[1]?.backend, "10.0.0.2:1");
  close();
});

test("calls that wait beyond maxQueuedCalls fail with ResourceExhausted that names the limit", async () => {
  const { pool, close } = await limitedPool(1, { maxQueuedCalls: 2 });
  const calls = Array.from({ length: 4 }, () => new TestCall(pool).start());
  assert.equal(calls[3]?.failure?.code, Code.ResourceExhausted);
  assert.equal(calls[3]?.failure?.progress, "unsent");
  assert.match(calls[3]?.failure?.message ?? "", /maxQueuedCalls 2/);
  calls[0]?.stream?.finish();
  assert.equal(new TestCall(pool).start().failure, undefined);
  close();
});

test("maxQueuedCalls 0 lets no call wait", async () => {
  const { pool, close } = await limitedPool(1, { maxQueuedCalls: 0 });
  assert.equal(new TestCall(pool).start().backend, "10.0.0.1:1");
  assert.equal(new TestCall(pool).start().failure?.kind, "queue-full");
  close();
});

test("a call whose request does not fit beside those that wait fails with ResourceExhausted that names the limit", async () => {
  const { pool, close } = await limitedPool(1, { maxQueuedBytes: 1_000 });
  const start = (requestBytes: number) => new TestCall(pool, { requestBytes }).start();
  const [onStream, large, small] = [start(5_000), start(900), start(100)];
  assert.deepEqual([onStream.waits, large.waits, small.waits], [false, true, true]);
  const { failure } = start(1);
  assert.deepEqual([failure?.kind, failure?.code, failure?.progress], ["queue-full", Code.ResourceExhausted, "unsent"]);
  assert.equal(
    failure?.message,
    "2 calls already wait for a connection or a stream slot with requests of 1000 bytes, beside which one of 1 bytes does not fit (maxQueuedBytes 1000)",
  );
  assert.equal(start(0).waits, true, "a stream holds nothing while it waits");
  onStream.stream?.finish();
  assert.equal(large.waits, false);
  assert.deepEqual([start(901).failure?.kind, start(900).waits], ["queue-full", true], "its bytes left with it");
  close();
});

test("a request above maxQueuedBytes waits where it is the only one", async () => {
  const { pool, close } = await limitedPool(1, { maxQueuedBytes: 0 });
  const start = (requestBytes: number) => new TestCall(pool, { requestBytes }).start();
  const [onStream, stream, only, second] = [start(10), start(0), start(10), start(10)];
  assert.deepEqual([stream.waits, only.waits, second.failure?.kind], [true, true, "queue-full"]);
  onStream.stream?.finish();
  stream.stream?.finish();
  assert.deepEqual([only.waits, start(10).waits], [false, true]);
  close();
});

test("the bytes of calls that leave the queue in whatever way make room for others", async () => {
  const { pool, resolver, connector, close } = await limitedPool(1, { maxQueuedBytes: 100 });
  const start = (requestBytes: number, waitForReady = false) =>
    new TestCall(pool, { requestBytes, waitForReady }).start();
  start(100);
  const withdrawn = start(100);
  assert.equal(start(1).failure?.kind, "queue-full");
  pool.withdraw(withdrawn);
  pool.withdraw(withdrawn);
  const failed = start(100);
  assert.deepEqual([failed.waits, start(1).failure?.kind], [true, "queue-full"]);
  resolver.listener?.onAddresses([]);
  connector.open[0]?.lose();
  await settle();
  assert.equal(failed.failure?.code, Code.Unavailable);
  const patient = start(100, true);
  assert.deepEqual([patient.waits, start(1, true).failure?.kind], [true, "queue-full"]);
  close();
});

test("a call cancelled in the queue never reaches a backend", async () => {
  const { pool, connector, close } = await limitedPool(1);
  const calls = Array.from({ length: 3 }, () => new TestCall(pool).start());
  pool.withdraw(calls[1] as TestCall);
  calls[0]?.stream?.finish();
  assert.equal(calls[1]?.backend, undefined);
  assert.equal(calls[2]?.backend, "10.0.0.1:1");
  assert.equal(connector.open[0]?.openStreams, 1);
  close();
});

test("calls wait while the first dials run, fail once all have failed, and wait if they wait for ready", async () => {
  const { pool, clock, connector, resolver, close } = fakePool({ connects: false });
  pool.wake();
  const fast = new TestCall(pool).start();
  const patient = new TestCall(pool, { waitForReady: true }).start();
  resolver.report("10.0.0.1", "10.0.0.2");
  await settle();
  connector.dials[0]?.fail();
  await settle();
  assert.equal(fast.waits, true, "one may still succeed");
  connector.dials[1]?.fail("EHOSTUNREACH");
  await settle();
  assert.equal(fast.failure?.code, Code.Unavailable);
  assert.match(
    fast.failure?.message ?? "",
    /no backend of echo\.test is reachable; last error: cannot connect: .*E[HC]O/,
  );
  assert.equal(patient.waits, true);
  await clock.advance(250);
  assert.equal(connector.pending.length, 2, "dialled again after the backoff");
  assert.equal(new TestCall(pool).start().failure?.kind, "no-backend", "failed until one is ready");
  connector.last.succeed();
  await settle();
  assert.equal(patient.waits, false);
  assert.equal(new TestCall(pool).start().waits, false);
  close();
});

test("a backend that is lost hands waiting calls to the others in the same tick", async () => {
  const { pool, connector, resolver, close } = fakePool();
  pool.wake();
  resolver.report("10.0.0.1", "10.0.0.2", "10.0.0.3");
  await settle();
  connector.answerWith(() => undefined);
  const lost = connector.open[0];
  lost?.lose();
  for (let i = 0; i < 6; i++) {
    const { backend } = new TestCall(pool).start();
    assert.notEqual(backend, undefined);
    assert.notEqual(backend, lost?.address);
  }
  close();
});

test("calls that wait for a slot of an old connection are served by its successor", async () => {
  const { pool, connector, close } = await limitedPool(1);
  const [first, second] = [new TestCall(pool).start(), new TestCall(pool).start()];
  assert.deepEqual([first.waits, second.waits], [false, true]);
  renewEldest(pool.subchannels[0]);
  await settle();
  assert.equal(connector.open.length, 2);
  assert.equal(second.waits, false);
  close();
});

test("with a picker that looks at the call, one that waits for a full backend holds back none for another", async () => {
  const byMetadata = pickFromReady("affinity", (ready) => ({
    pick: ({ metadata }) => {
      const backend = ready.find(({ id }) => id === metadata[1]);
      return backend?.hasRoom ? backend : "queue";
    },
  }));
  const { pool, connector, resolver, close } = fakePool({ loadBalancing: byMetadata });
  connector.answerWith((dial) => dial.succeed(1));
  pool.wake();
  resolver.report("10.0.0.1", "10.0.0.2");
  await settle();
  const to = (key: string) => new TestCall(pool, { metadata: ["to", key] }).start();
  const [a1, b1, a2, b2] = [to("10.0.0.1:1"), to("10.0.0.2:1"), to("10.0.0.1:1"), to("10.0.0.2:1")];
  assert.deepEqual([a1.waits, b1.waits, a2.waits, b2.waits], [false, false, true, true]);
  b1.stream?.finish();
  assert.deepEqual([a2.waits, b2.waits], [true, false]);
  close();
});

test("a call that queues again while it is served waits for the next round", () => {
  const queue = new CallQueue();
  let failed = 0;
  const call: PendingCall = {
    pickInfo,
    waitForReady: false,
    requestBytes: 0,
    onPicked: () => assert.fail("there is no backend"),
    onPickFailed: () => {
      if (++failed < 5) queue.add(call);
    },
  };
  queue.add(call);
  const noBackend = { kind: "no-backend", code: Code.Unavailable, progress: "unsent", message: "none" } as const;
  queue.serve(
    (waiting) => {
      queue.remove(waiting);
      waiting.onPickFailed(noBackend);
      return "failed";
    },
    () => true,
  );
  assert.deepEqual([failed, queue.size], [1, 1]);
});
