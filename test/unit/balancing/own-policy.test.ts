import assert from "node:assert/strict";
import { test } from "node:test";
import { Code } from "@connectrpc/connect";
import type { Picker } from "../../../src/balancing/picker.ts";
import { type LoadBalancing, type PolicyController, pickFromReady } from "../../../src/balancing/policy.ts";
import type { Backend } from "../../../src/subchannel/backend.ts";
import { callsTo, fakePool, TestCall } from "../../support/fake-pool.ts";
import { settle } from "../../support/manual-clock.ts";

/** The backend with the fewest open calls: a policy of a user's own. */
function leastBusy(): LoadBalancing {
  return pickFromReady("least_busy", (ready) => ({
    pick() {
      let best: Backend | undefined;
      for (const backend of ready) {
        if (backend.hasRoom && (best === undefined || backend.openCalls < best.openCalls)) best = backend;
      }
      return best ?? "queue";
    },
  }));
}

async function poolWith(loadBalancing: LoadBalancing) {
  const all = fakePool({ loadBalancing });
  all.pool.wake();
  all.resolver.report("10.0.0.1", "10.0.0.2", "10.0.0.3");
  await settle();
  return all;
}

test("a policy of 20 lines balances by open calls", async () => {
  const { pool, connector, close } = await poolWith(leastBusy());
  for (let i = 0; i < 30; i++) new TestCall(pool).start();
  assert.deepEqual(
    connector.open.map(({ openStreams }) => openStreams),
    [10, 10, 10],
  );
  close();
});

test("a picker that throws, or returns nonsense, is reported and fails that call alone", async () => {
  let fault: "throw" | "nonsense" | undefined;
  const policy = pickFromReady("moody", (ready) => ({
    pick() {
      if (fault === "throw") throw new Error("bad mood");
      return fault === "nonsense" ? (undefined as never) : (ready[0] as Backend);
    },
  }));
  const { pool, connector, events, close } = await poolWith(policy);
  for (fault of ["throw", "nonsense"] as const) {
    const { failure } = new TestCall(pool, { waitForReady: true }).start();
    assert.equal(failure?.code, Code.Internal);
    assert.match(failure?.message ?? "", /the load-balancing policy threw: /);
  }
  assert.deepEqual(
    events.ofType("user-code-failed").map(({ where }) => where),
    ["picker", "picker"],
  );
  fault = undefined;
  assert.equal(new TestCall(pool).start().failure, undefined);
  assert.equal(connector.open.length, 3);
  close();
});

test("a picker that returns a lost or full backend makes the call wait instead of failing or looping", async () => {
  const first = pickFromReady("first", ([backend]) => ({ pick: () => backend as Backend }));
  const { pool, connector, close } = await poolWith(first);
  const [full] = connector.open;
  full?.allow(1);
  const calls = [new TestCall(pool).start(), new TestCall(pool).start()];
  assert.deepEqual(
    calls.map(({ waits }) => waits),
    [false, true],
  );
  calls[0]?.stream?.finish();
  assert.equal(calls[1]?.backend, full?.address);
  connector.answerWith(() => undefined);
  full?.lose();
  const late = new TestCall(pool).start();
  assert.equal(late.waits, true);
  await settle();
  assert.equal(late.waits, false, "the next picker knows only backends that are ready");
  assert.notEqual(late.backend, full?.address);
  close();
});

for (const [metadata, expected] of [
  [5, /an array of names and values in turn, not 5/],
  [["x-shard"], /an array of names and values in turn, not an array of 1/],
  [["x-shard", 7], /are strings, not the string "x-shard" and 7/],
  [["X-Shard", "7"], /names in lower case that HTTP\/2 leaves to it, not "X-Shard"/],
  [["host", "other"], /names in lower case that HTTP\/2 leaves to it, not "host"/],
  [[":path", "/other"], /":path" is not a valid header name/],
  [["x-shard", "7\r\nx: y"], /the value of header "x-shard" has an invalid character/],
] as const) {
  test(`a pick with the metadata ${JSON.stringify(metadata)} fails its call before a connection meets it`, async () => {
    const pickOf = (backend: Backend) => ({ backend, metadata: metadata as never });
    const policy = pickFromReady("odd", ([backend]) => ({ pick: () => pickOf(backend as Backend) }));
    const { pool, connector, close } = await poolWith(policy);
    const { failure } = new TestCall(pool).start();
    assert.equal(failure?.code, Code.Internal);
    assert.match(failure?.message ?? "", expected);
    assert.ok(connector.open.every(({ openStreams }) => openStreams === 0));
    close();
  });
}

test("a picker whose roomAgain throws is reported, and the calls that wait are served", async () => {
  const policy = pickFromReady("moody", (ready) => ({
    pick: () => ready.find(({ hasRoom }) => hasRoom) ?? "queue",
    roomAgain: () => {
      throw new Error("bad mood");
    },
  }));
  const { pool, connector, events, close } = await poolWith(policy);
  for (const connection of connector.open) connection.allow(1);
  const calls = [1, 2, 3, 4].map(() => new TestCall(pool).start());
  assert.equal(calls[3]?.waits, true);
  calls[0]?.stream?.finish();
  assert.equal(calls[3]?.waits, false);
  assert.deepEqual(
    events.ofType("user-code-failed").map(({ where }) => where),
    ["picker"],
  );
  close();
});

test("a picker's own failure reaches the call unchanged, also when it waits for ready", async () => {
  const failure = { kind: "no-backend", code: Code.ResourceExhausted, progress: "unsent", message: "dropped" } as const;
  const { pool, close } = await poolWith(pickFromReady("drop", () => ({ pick: () => failure })));
  assert.equal(new TestCall(pool).start().failure, failure);
  assert.equal(new TestCall(pool, { waitForReady: true }).start().failure, failure);
  close();
});

test("an update that throws is reported; the last picker goes on", async () => {
  let broken = false;
  const policy = pickFromReady("fragile", (ready) => {
    if (broken) throw new Error("broken");
    let next = 0;
    return { pick: () => ready[next++ % ready.length] as Backend };
  });
  const { pool, events, resolver, close } = await poolWith(policy);
  broken = true;
  resolver.report("10.0.0.1", "10.0.0.2", "10.0.0.3", "10.0.0.4");
  await settle();
  assert.ok(events.ofType("user-code-failed").length > 0);
  assert.deepEqual([...callsTo(pool, 9).values()], [3, 3, 3]);
  close();
});

test("when the first update throws, calls fail instead of waiting for ever", async () => {
  const policy: LoadBalancing = {
    name: "stillborn",
    createPolicy: () => ({
      update: () => {
        throw new Error("not written yet");
      },
    }),
  };
  const { pool, close } = await poolWith(policy);
  assert.match(new TestCall(pool).start().failure?.message ?? "", /threw: not written yet/);
  close();
});

test("when an update rejects, calls that wait fail instead of waiting for ever", async () => {
  const policy: LoadBalancing = {
    name: "async",
    createPolicy: () => ({ update: () => Promise.reject(new Error("not today")) }),
  };
  const { pool, resolver, close } = fakePool({ loadBalancing: policy, connects: false });
  pool.wake();
  const call = new TestCall(pool).start();
  resolver.report("10.0.0.1");
  await settle();
  assert.match(call.failure?.message ?? "", /the load-balancing policy threw: not today/);
  close();
});

for (const [what, answer] of Object.entries({
  "a failure without a code": { kind: "no-backend", message: "none" },
  "a failure without a message": { kind: "no-backend", code: Code.Unavailable },
  "a promise": Promise.resolve("queue"),
  nothing: undefined,
})) {
  test(`a picker that returns ${what} fails its call with Internal, and says what it may return`, async () => {
    const { pool, close } = await poolWith(pickFromReady("broken", () => ({ pick: () => answer as never })));
    const { failure } = new TestCall(pool).start();
    assert.equal(failure?.code, Code.Internal);
    assert.match(
      failure?.message ?? "",
      /a picker returns a backend, a pick of one, "queue", a failure or a drop, not/,
    );
    close();
  });
}

for (const [what, createPolicy] of Object.entries({
  nothing: (): undefined => undefined,
  "a promise": () => Promise.reject(new Error("late")),
})) {
  test(`createPolicy that returns ${what} is refused at construction`, () => {
    const policy = { name: "broken", createPolicy } as unknown as LoadBalancing;
    assert.throws(() => fakePool({ loadBalancing: policy }), /createPolicy\(\) of loadBalancing must return an object/);
  });
}

test("when an update throws as the first backend becomes ready, calls that wait fail instead of waiting for ever", async () => {
  const policy = pickFromReady("broken", () => {
    throw new Error("broken");
  });
  const { pool, connector, events, resolver, close } = fakePool({ loadBalancing: policy, connects: false });
  pool.wake();
  resolver.report("10.0.0.1");
  await settle();
  const call = new TestCall(pool).start();
  assert.equal(call.waits, true);
  connector.last.succeed();
  await settle();
  assert.equal(call.failure?.code, Code.Internal);
  assert.match(call.failure?.message ?? "", /the load-balancing policy threw: broken/);
  assert.ok(events.ofType("user-code-failed").length > 0);
  close();
});

test("a policy may publish at any time, and is closed with the transport", async () => {
  let controller: PolicyController | undefined;
  let closed = 0;
  let all: readonly Backend[] = [];
  const policy: LoadBalancing = {
    name: "manual",
    createPolicy: (given) => {
      controller = given;
      return {
        update: ({ backends }) => {
          all = backends;
          for (const backend of backends) backend.connect();
        },
        close: () => closed++,
      };
    },
  };
  const { pool, close } = await poolWith(policy);
  const call = new TestCall(pool).start();
  assert.equal(call.waits, true);
  controller?.publish({ pick: () => all[1] as Backend });
  await settle();
  assert.equal(call.backend, "10.0.0.2:1");
  assert.throws(() => controller?.publish({} as Picker), /a picker is an object with a method pick/);
  close();
  assert.equal(closed, 1);
});
