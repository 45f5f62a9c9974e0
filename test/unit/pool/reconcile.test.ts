import assert from "node:assert/strict";
import { test } from "node:test";
import { Code, ConnectError } from "@connectrpc/connect";
import { toConnectError } from "../../../src/base/connect-error.ts";
import { callsTo, fakePool, TestCall } from "../../support/fake-pool.ts";
import { settle } from "../../support/manual-clock.ts";
import { seededRandom } from "../../support/random.ts";

test("nothing is resolved or dialled before a call wakes the pool", async () => {
  const { pool, connector, resolver, close } = fakePool();
  await settle();
  assert.equal(resolver.listener, undefined);
  pool.wake();
  pool.wake();
  resolver.report("10.0.0.1");
  await settle();
  assert.equal(connector.dials.length, 1);
  close();
});

test("what stayed keeps its connection, what is new is dialled, what left is drained", async () => {
  const { pool, connector, events, resolver, close } = fakePool();
  pool.wake();
  resolver.report("10.0.0.1", "10.0.0.2");
  await settle();
  const before = new Map(connector.open.map((connection) => [connection.address, connection]));
  resolver.report("10.0.0.2", "10.0.0.3");
  await settle();
  assert.deepEqual(events.ofType("pool-updated").at(-1), {
    type: "pool-updated",
    added: ["10.0.0.3:1"],
    removed: ["10.0.0.1:1"],
    leaving: [],
    kept: 1,
  });
  assert.equal(before.get("10.0.0.1:1")?.closed, true);
  assert.equal(before.get("10.0.0.2:1")?.closed, false);
  assert.equal(connector.dialsOf("10.0.0.2:1").length, 1);
  assert.deepEqual([...callsTo(pool, 10).values()], [5, 5]);
  close();
});

test("shuffled and duplicated answers cause no dial and no event", async () => {
  const { pool, connector, events, resolver, close } = fakePool();
  pool.wake();
  const addresses = ["10.0.0.1", "10.0.0.2", "10.0.0.3", "10.0.0.4"];
  resolver.report(...addresses);
  await settle();
  // But for the answer itself, which changed nothing.
  const others = () => events.facts.filter((fact) => fact.type !== "resolved" || fact.changed).length;
  const before = others();
  for (let i = 0; i < 20; i++) {
    addresses.push(addresses.shift() as string);
    resolver.report(...addresses, ...addresses.slice(i % 4));
    await settle();
  }
  assert.equal(connector.dials.length, 4);
  assert.equal(others(), before);
  close();
});

test("a removed backend gets no call from the same tick on, and its open ones end well", async () => {
  const { pool, connector, resolver, close } = fakePool();
  pool.wake();
  resolver.report("10.0.0.1", "10.0.0.2");
  await settle();
  const calls = [new TestCall(pool).start(), new TestCall(pool).start()];
  resolver.report("10.0.0.2");
  assert.deepEqual(callsTo(pool, 10), new Map([["10.0.0.2:1", 10]]));
  await settle();
  assert.deepEqual(callsTo(pool, 10), new Map([["10.0.0.2:1", 10]]));
  const leaving = calls.find(({ backend }) => backend === "10.0.0.1:1");
  assert.equal(leaving?.stream?.connection.closed, false);
  assert.deepEqual(
    [...pool.draining].map(({ address, live }) => [address, live.openCalls]),
    [["10.0.0.1:1", 1]],
  );
  leaving?.stream?.finish();
  assert.equal(leaving?.stream?.connection.closed, true);
  assert.deepEqual([...pool.draining], []);
  assert.equal(connector.open.length, 1);
  close();
});

test("an answer that shares nothing with a working pool empties it once one of the new backends is ready, not before", async () => {
  const { pool, connector, events, resolver, close } = fakePool();
  pool.wake();
  resolver.report("10.0.0.1", "10.0.0.2");
  await settle();
  const call = new TestCall(pool).start();
  connector.answerWith(() => undefined);
  resolver.report("10.9.0.1", "10.9.0.2");
  await settle();
  assert.deepEqual(events.ofType("pool-updated").at(-1), {
    type: "pool-updated",
    added: ["10.9.0.1:1", "10.9.0.2:1"],
    removed: [],
    leaving: ["10.0.0.1:1", "10.0.0.2:1"],
    kept: 0,
  });
  for (const dial of connector.pending) dial.fail();
  await settle();
  const served = callsTo(pool, 20);
  assert.deepEqual([...served.keys()].sort(), ["10.0.0.1:1", "10.0.0.2:1"], "a wrong answer costs no call");
  connector.answerWith((dial) => dial.succeed());
  resolver.report("10.9.0.3");
  await settle();
  assert.deepEqual(callsTo(pool, 2), new Map([["10.9.0.3:1", 2]]));
  assert.deepEqual(events.ofType("pool-updated").at(-1), {
    type: "pool-updated",
    added: [],
    removed: ["10.0.0.1:1", "10.0.0.2:1"],
    leaving: [],
    kept: 1,
  });
  assert.equal(call.failure, undefined);
  assert.deepEqual([...pool.draining].length, 1, "the open call ends in peace");
  call.stream?.finish();
  assert.equal(connector.open.length, 1);
  close();
});

test("while an answer does not work, those that leave are not dialled again when they are lost", async () => {
  const { pool, connector, events, resolver, close } = fakePool();
  pool.wake();
  resolver.report("10.0.0.1", "10.0.0.2");
  await settle();
  connector.answerWith(() => undefined);
  resolver.report("10.9.0.1");
  await settle();
  connector.open[0]?.lose();
  await settle();
  assert.deepEqual(
    pool.subchannels.map(({ id }) => id),
    ["10.9.0.1:1", "10.0.0.2:1"],
  );
  assert.deepEqual(events.ofType("pool-updated").at(-1)?.removed, ["10.0.0.1:1"]);
  assert.deepEqual(callsTo(pool, 2), new Map([["10.0.0.2:1", 2]]));
  // The resolver finds its way back: nothing was lost by its answer.
  resolver.report("10.0.0.2", "10.0.0.3");
  await settle();
  connector.open[0]?.lose();
  await settle();
  assert.deepEqual(
    pool.subchannels.map(({ id }) => id),
    ["10.0.0.2:1", "10.0.0.3:1"],
    "it stays, and is dialled again",
  );
  close();
});

test("an answer that names one backend in service lets all others go at once", async () => {
  const { pool, connector, resolver, close } = fakePool();
  pool.wake();
  resolver.report("10.0.0.1", "10.0.0.2", "10.0.0.3");
  await settle();
  connector.answerWith(() => undefined);
  resolver.report("10.0.0.3", "10.9.0.1");
  assert.deepEqual(callsTo(pool, 4), new Map([["10.0.0.3:1", 4]]));
  assert.equal(connector.open.length, 1);
  close();
});

test("a list that flips every time leaves no connection behind", async () => {
  const { pool, connector, resolver, close } = fakePool();
  pool.wake();
  for (let i = 0; i < 60; i++) {
    resolver.report(...(i % 2 === 0 ? ["10.0.0.1", "10.0.0.2"] : ["10.0.0.3", "10.0.0.4"]));
    await settle();
  }
  assert.equal(connector.dials.length, 120);
  assert.equal(connector.open.length, 2);
  close();
});

test("a dial to an address that left meanwhile is given up", async () => {
  const { pool, connector, resolver, close } = fakePool({ connects: false });
  pool.wake();
  resolver.report("10.0.0.1", "10.0.0.2");
  await settle();
  resolver.report("10.0.0.2");
  assert.equal(connector.dialsOf("10.0.0.1:1")[0]?.givenUp, true);
  close();
});

test("errors, empty answers and junk leave a working pool alone: one report per episode and one recovery", async () => {
  const { pool, connector, events, resolver, close } = fakePool();
  pool.wake();
  resolver.report("10.0.0.1");
  await settle();
  const junk: unknown[] = [undefined, null, 7, ["10.0.0.1:1"], [{ host: "10.0.0.1", port: 0 }], [{}]];
  for (let i = 0; i < 10; i++) {
    resolver.listener?.onError(new Error("SERVFAIL"));
    resolver.report();
    resolver.listener?.onAddresses(junk[i % junk.length] as never);
    await settle();
    assert.deepEqual(callsTo(pool, 3), new Map([["10.0.0.1:1", 3]]));
  }
  assert.equal(events.ofType("resolve-failed").length, 30);
  assert.equal(events.ofType("resolve-failed").filter(({ first }) => first).length, 1);
  resolver.report("10.0.0.1");
  resolver.report("10.0.0.1");
  assert.equal(events.ofType("resolve-recovered").length, 1);
  assert.equal(connector.dials.length, 1);
  close();
});

test("a resolver that fails at the start fails calls with its reason, and they recover without a restart", async () => {
  const { pool, resolver, close } = fakePool();
  pool.wake();
  const early = new TestCall(pool).start();
  const patient = new TestCall(pool, { waitForReady: true }).start();
  resolver.listener?.onError(new Error("queryA ENOTFOUND echo.test"));
  assert.equal(early.failure?.kind, "name-resolution");
  assert.match(early.failure?.message ?? "", /cannot resolve echo\.test: queryA ENOTFOUND/);
  assert.match(new TestCall(pool).start().failure?.message ?? "", /ENOTFOUND/);
  assert.equal(patient.waits, true);
  resolver.report("10.0.0.1");
  const late = new TestCall(pool).start();
  await settle();
  assert.equal(late.backend, "10.0.0.1:1");
  assert.equal(patient.backend, "10.0.0.1:1");
  close();
});

test("a resolver that throws, or gives nothing back, is reported and fails calls; nothing else happens", async () => {
  for (const watch of [
    () => {
      throw new Error("no such plugin");
    },
    () => undefined as never,
    () => ({ refresh: () => undefined }) as never,
  ]) {
    const { pool, events, close } = fakePool({ resolver: { name: "own", watch } });
    pool.wake();
    pool.wake();
    assert.equal(events.ofType("resolve-failed").length, 1, "it is not started again by every call");
    assert.equal(new TestCall(pool).start().failure?.kind, "name-resolution");
    close();
  }
});

test("a resolver that is itself a Connect client: its error is the reason, and the call's code is Unavailable", async () => {
  const { pool, resolver, close } = fakePool();
  pool.wake();
  const call = new TestCall(pool).start();
  resolver.listener?.onError(new ConnectError("the token has expired", Code.Unauthenticated));
  assert.ok(call.failure !== undefined);
  const error = toConnectError(call.failure, { attempts: 1 });
  assert.equal(error.code, Code.Unavailable);
  assert.match(error.message, /cannot resolve echo\.test: .*the token has expired/);
  close();
});

test("a resolver that could not start is started again by a refresh, at most once a second", async () => {
  let starts = 0;
  const { pool, clock, close } = fakePool({
    resolver: {
      name: "own",
      watch: (_, listener) => {
        if (++starts === 1) throw new Error("the agent is not up yet");
        listener.onAddresses([{ host: "10.0.0.1", port: 1 }]);
        return { refresh: () => undefined, close: () => undefined };
      },
    },
  });
  pool.wake();
  pool.refresh();
  await clock.advance(999);
  pool.refresh();
  assert.equal(starts, 1);
  await clock.advance(1);
  pool.refresh();
  await settle();
  assert.deepEqual(callsTo(pool, 1), new Map([["10.0.0.1:1", 1]]));
  assert.equal(starts, 2);
  close();
});

test("a resolver whose refresh or close throws disturbs nobody", async () => {
  const { pool, events, close } = fakePool({
    resolver: {
      name: "own",
      watch: (_, listener) => {
        queueMicrotask(() => listener.onAddresses([{ host: "10.0.0.1", port: 1 }]));
        const fail = () => {
          throw new Error("broken");
        };
        return { refresh: fail, close: fail };
      },
    },
  });
  pool.wake();
  await settle();
  pool.refresh();
  assert.equal(events.ofType("resolve-failed").length, 1);
  assert.deepEqual(callsTo(pool, 2), new Map([["10.0.0.1:1", 2]]));
  close();
  assert.equal(events.ofType("user-code-failed")[0]?.where, "resolver");
});

test("what a resolver reports after the close is ignored", async () => {
  const { pool, connector, resolver, close } = fakePool();
  pool.wake();
  close();
  assert.equal(resolver.closed, true);
  resolver.report("10.0.0.1");
  resolver.listener?.onError(new Error("late"));
  await settle();
  assert.equal(connector.dials.length, 0);
});

test("a loss and a failed dial ask the resolver again", async () => {
  const { pool, connector, resolver, close } = fakePool();
  pool.wake();
  resolver.report("10.0.0.1");
  await settle();
  connector.answerWith(() => undefined);
  connector.open[0]?.lose();
  assert.equal(resolver.refreshes, 1);
  close();
});

test("a pool at rest dials again when a call comes, and the call waits for what that brings", async () => {
  const { pool, clock, hold, connector, resolver, close } = fakePool({ connects: false, held: false });
  pool.wake();
  resolver.report("10.0.0.1");
  await settle();
  connector.last.fail();
  await clock.advance(60_000);
  assert.equal(connector.dials.length, 1, "nobody waits: nothing is dialled");
  hold.acquire();
  // A retry comes this way, and nothing else of its call.
  const call = new TestCall(pool).start();
  await settle();
  assert.equal(call.waits, true, "the failure of a minute ago is not this call's");
  assert.equal(connector.dials.length, 2);
  connector.last.succeed();
  await settle();
  assert.equal(call.backend, "10.0.0.1:1");
  hold.release();
  close();
});

test("a call made by whoever hears that its backend went idle dials it again", async () => {
  const keepalive = { pingIntervalMs: undefined, pingIdleConnection: false, pingTimeoutMs: 1_000 };
  const all = fakePool({ subchannel: { live: { keepalive, idleConnectionTimeoutMs: 10_000 } } });
  const { pool, clock, events, resolver, close } = all;
  let call: TestCall | undefined;
  const publish = events.publish.bind(events);
  events.publish = (fact) => {
    publish(fact);
    if (fact.type === "subchannel-state" && fact.to === "idle") call ??= new TestCall(pool).start();
  };
  pool.wake();
  resolver.report("10.0.0.1");
  await clock.advance(30_000);
  assert.equal(call?.backend, "10.0.0.1:1");
  close();
});

test("any random course of events keeps the pool's invariants", async () => {
  for (let seed = 1; seed <= 12; seed++) await randomCourse(seed);
});

/** Does random things to a pool, and checks after each what must always hold. */
async function randomCourse(seed: number): Promise<void> {
  const random = seededRandom(seed);
  const below = (limit: number) => Math.floor(random.next() * limit);
  const base = { pingIntervalMs: 5_000, pingIdleConnection: true, pingTimeoutMs: 500 };
  const all = fakePool({
    connects: false,
    random,
    rotationIntervalMs: 30_000,
    drainTimeoutMs: 8_000,
    subchannel: { maxConnectionAgeMs: 20_000, live: { keepalive: base, idleConnectionTimeoutMs: 15_000 } },
  });
  const { pool, clock, hold, connector, events, resolver, close } = all;
  const pick = <T>(items: readonly T[]): T | undefined => items[below(items.length)];
  const calls = new Set<TestCall>();
  let held = true;
  pool.wake();
  const actions: (() => unknown)[] = [
    () => resolver.report(...["10.0.0.1", "10.0.0.2", "10.0.0.3", "10.0.0.4"].filter(() => random.next() < 0.7)),
    () => pick(connector.pending)?.succeed([0, 1, 2, Number.POSITIVE_INFINITY][below(4)]),
    () => pick(connector.pending)?.succeed(),
    () => pick(connector.pending)?.fail(),
    () => pick(connector.open)?.goaway(below(3) === 0 ? 11 : 0, below(2) === 0 ? "too_many_pings" : ""),
    () => pick(connector.open)?.lose(),
    () => pick(connector.open)?.allow(below(3)),
    () => pick(connector.open)?.answerPing(),
    () => pick([...pool.subchannels])?.connections[0]?.suspect(),
    () => pick([...pool.subchannels])?.connections[0]?.noteAnswer(),
    () => pick([...calls])?.stream?.finish(),
    () => clock.advance(below(3_000)),
    () => clock.advance(below(300)),
    () => {
      pool.wake();
      calls.add(new TestCall(pool, { waitForReady: below(2) === 0 }).start());
    },
    () => {
      if (held) hold.release();
      else hold.acquire();
      held = !held;
    },
  ];
  for (let step = 0; step < 400; step++) {
    await actions[below(actions.length)]?.();
    await settle();
    checkInvariants(all, `seed ${seed}, step ${step}`);
    for (const call of calls) {
      if (call.failure !== undefined || call.stream?.connection.streams.has(call.stream) === false) calls.delete(call);
    }
  }
  if (held) hold.release();
  close();
  for (const dial of connector.pending) assert.equal(dial.givenUp, true);
  assert.equal(connector.open.length, 0);
  assert.equal(clock.pending, 0, `seed ${seed}: timers left after the close`);
  checkEventOrder(events.ofType("subchannel-state"), `seed ${seed}`);
}

function checkInvariants({ pool, connector }: ReturnType<typeof fakePool>, when: string): void {
  const inService = new Set<unknown>();
  for (const subchannel of pool.subchannels) {
    const { id, state, connections, hasRoom } = subchannel;
    assert.ok(connections.length <= 1, when);
    const [live] = connections;
    assert.equal(live !== undefined, state === "ready", `${when}: a connection exactly while ready`);
    if (live !== undefined) inService.add(live.connection);
    if (hasRoom) assert.equal(live?.connection.hasRoom, true, when);
    const dials = connector.pending.filter(({ address }) => address === id).length;
    const allowed = state === "connecting" || state === "ready" ? 1 : 0;
    assert.ok(dials <= allowed, `${when}: ${dials} dials of ${id}, which is ${state}`);
    if (state === "connecting") assert.equal(dials, 1, when);
  }
  const draining = [...pool.draining].length;
  assert.equal(connector.open.length, inService.size + draining, `${when}: each open connection serves or drains`);
  const ready = pool.subchannels.filter(({ state }) => state === "ready");
  const usable = ready.filter(({ availability }) => availability === "usable");
  const reachable = (usable.length > 0 ? usable : ready).some(({ hasRoom }) => hasRoom);
  if (reachable) assert.equal(pool.queuedCalls, 0, `${when}: calls wait although there is room`);
}

function checkEventOrder(
  facts: readonly { readonly address: string; readonly from: string; readonly to: string }[],
  when: string,
): void {
  const last = new Map<string, string>();
  for (const { address, from, to } of facts) {
    const before = last.get(address);
    assert.equal(from, before === undefined || before === "shutdown" ? "idle" : before, when);
    if (from === "idle" && before === "shutdown") last.delete(address);
    assert.notEqual(from, to, when);
    last.set(address, to);
  }
}

test("an IPv4 address and the IPv6 address that stands for it are one backend", async () => {
  const { pool, connector, resolver, close } = fakePool();
  pool.wake();
  resolver.report("127.0.0.1", "::ffff:127.0.0.1", "::ffff:7f00:1", "0:0::1", "::1");
  await settle();
  assert.deepEqual(connector.dials.map(({ address }) => address).sort(), ["127.0.0.1:1", "[::1]:1"]);
  close();
});
