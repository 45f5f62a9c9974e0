import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { Code } from "@connectrpc/connect";
import { pickFirst } from "../../../src/balancing/pick-first.ts";
import { endpointPriority, noAttributes } from "../../../src/endpoint/attributes.ts";
import { type Endpoint, endpointId, endpointOf } from "../../../src/endpoint/endpoint.ts";
import type { EndpointList } from "../../../src/pool/endpoint-list.ts";
import { type BackendFacts, Failover } from "../../../src/pool/failover.ts";
import { addressOf, callsTo, type FakePoolOptions, fakePool, TestCall } from "../../support/fake-pool.ts";
import { ManualClock, settle } from "../../support/manual-clock.ts";

const preferred = ["10.0.0.1", "10.0.0.2"];
const fallback = ["fd00::1", "fd00::2"];

/** A pool of which some hosts answer, some refuse, and some are silent. */
function dualStackPool(options: FakePoolOptions = {}) {
  const fake = fakePool({ connects: false, ...options });
  const refusing = new Set<string>();
  const silent = new Set<string>();
  fake.connector.answerWith((dial) => {
    const host = dial.address.replace(/:1$/, "").replace(/[[\]]/g, "");
    if (refusing.has(host)) dial.fail();
    else if (!silent.has(host)) dial.succeed();
  });
  const report = (hosts: readonly string[], others: readonly string[]) =>
    fake.resolver.listener?.onAddresses(hosts.map(addressOf), others.map(addressOf));
  const { connector } = fake;
  /** The preferred connections are lost. */
  const losePreferred = () => {
    for (const connection of connector.open) if (!connection.address.startsWith("[")) connection.lose();
  };
  fake.pool.wake();
  return { ...fake, refusing, silent, report, losePreferred };
}

/** The same, when both lists were reported while the preferred hosts refuse, or are silent. */
function poolWithout(preferredAre: "refusing" | "silent", options: FakePoolOptions = {}) {
  const scene = dualStackPool(options);
  for (const host of preferred) scene[preferredAre].add(host);
  scene.report(preferred, fallback);
  return scene;
}

const used = ({ pool }: ReturnType<typeof dualStackPool>) => [...callsTo(pool, 20).keys()].sort();
const ipv4 = ["10.0.0.1:1", "10.0.0.2:1"];
const ipv6 = ["[fd00::1]:1", "[fd00::2]:1"];

describe("a dual-stack pool", () => {
  test("counts each backend once: the fallback is not even dialled while a preferred address works", async () => {
    const scene = dualStackPool();
    scene.refusing.add("10.0.0.1");
    scene.report(preferred, fallback);
    await scene.clock.advance(60_000);
    assert.deepEqual(used(scene), ["10.0.0.2:1"]);
    assert.equal(scene.connector.dials.filter(({ address }) => address.startsWith("[")).length, 0);
    assert.deepEqual(
      [...scene.pool.subchannels].map(({ id }) => id),
      ipv4,
    );
    scene.close();
    assert.equal(scene.clock.pending, 0);
  });

  test("goes to the fallback in the moment in which the last preferred address fails: no call does", async () => {
    const scene = dualStackPool();
    for (const host of preferred) scene.refusing.add(host);
    const call = new TestCall(scene.pool).start();
    scene.report(preferred, fallback);
    await settle();
    await settle();
    assert.equal(call.failure, undefined);
    assert.ok(ipv6.includes(call.backend ?? ""), call.backend);
    assert.deepEqual(used(scene), ipv6);
    scene.close();
    assert.equal(scene.clock.pending, 0);
  });

  test("dials the fallback after 250 ms in which preferred addresses were silent", async () => {
    const scene = dualStackPool();
    for (const host of preferred) scene.silent.add(host);
    const call = new TestCall(scene.pool).start();
    scene.report(preferred, fallback);
    await scene.clock.advance(249);
    assert.equal(scene.connector.dials.length, 2);
    await scene.clock.advance(1);
    assert.ok(ipv6.includes(call.backend ?? ""), call.backend);
    scene.close();
  });

  test("that is slow at first and works then keeps to its preferred addresses", async () => {
    const scene = dualStackPool();
    for (const host of [...preferred, ...fallback]) scene.silent.add(host);
    scene.report(preferred, fallback);
    await scene.clock.advance(300);
    assert.equal(scene.connector.dials.length, 4);
    scene.connector.dialsOf("10.0.0.1:1")[0]?.succeed();
    await settle();
    assert.deepEqual(used(scene), ["10.0.0.1:1"]);
    assert.deepEqual(
      scene.connector.dials.map(({ givenUp }) => givenUp),
      [false, false, true, true],
    );
    scene.close();
  });

  test("returns when a preferred address has worked for 10 s, and drains the fallback", async () => {
    const scene = dualStackPool();
    scene.report(preferred, fallback);
    await settle();
    for (const host of preferred) scene.silent.add(host);
    for (const connection of scene.connector.open) connection.lose();
    await scene.clock.advance(1_000);
    assert.deepEqual(used(scene), ipv6);
    for (const host of preferred) scene.silent.delete(host);
    for (const dial of scene.connector.pending) dial.succeed();
    await settle();
    assert.deepEqual(used(scene), [...ipv4, ...ipv6]);
    const open = new TestCall(scene.pool).start();
    const other = new TestCall(scene.pool).start();
    const third = new TestCall(scene.pool).start();
    await scene.clock.advance(9_999);
    assert.deepEqual(used(scene), [...ipv4, ...ipv6]);
    await scene.clock.advance(1);
    assert.deepEqual(used(scene), ipv4);
    assert.ok([open, other, third].every(({ failure }) => failure === undefined));
    assert.ok([...scene.pool.draining].length > 0, "open calls go on");
    for (const { stream } of [open, other, third]) stream?.finish();
    assert.deepEqual([...scene.pool.draining], []);
    scene.close();
    assert.equal(scene.clock.pending, 0);
  });

  test("does not follow a preferred address that comes and goes", async () => {
    const scene = poolWithout("refusing");
    await scene.clock.advance(1);
    const served = scene.connector.open.filter(({ address }) => address.startsWith("["));
    assert.equal(served.length, 2);
    for (let i = 0; i < 10; i++) {
      scene.refusing.clear();
      await scene.clock.advance(9_000);
      for (const host of preferred) scene.refusing.add(host);
      scene.losePreferred();
      await scene.clock.advance(1_000);
    }
    assert.ok(
      served.every(({ closed }) => !closed),
      "the fallback's connections stay",
    );
    scene.close();
  });

  test("fails calls fast when neither family can be reached, and tries both on", async () => {
    const scene = dualStackPool();
    for (const host of [...preferred, ...fallback]) scene.refusing.add(host);
    scene.report(preferred, fallback);
    await scene.clock.advance(10);
    assert.equal(new TestCall(scene.pool).start().failure?.kind, "no-backend");
    scene.refusing.delete("fd00::2");
    await scene.clock.advance(15_000);
    assert.deepEqual(used(scene), ["[fd00::2]:1"]);
    scene.refusing.clear();
    await scene.clock.advance(30_000);
    assert.deepEqual(used(scene), ipv4);
    scene.close();
  });

  test("moves with its name: what was the fallback may become all there is, and stays connected", async () => {
    const scene = poolWithout("refusing");
    await scene.clock.advance(1);
    const before = scene.connector.open;
    scene.report(fallback, []);
    await scene.clock.advance(20_000);
    assert.deepEqual(used(scene), ipv6);
    assert.deepEqual(scene.connector.open, before);
    scene.report(preferred, []);
    scene.refusing.clear();
    await scene.clock.advance(20_000);
    assert.deepEqual(used(scene), ipv4);
    scene.close();
    assert.equal(scene.clock.pending, 0);
  });

  test("forgets a change that was due when its fallback goes", async () => {
    const scene = poolWithout("silent");
    await scene.clock.advance(200);
    scene.report(preferred, []);
    await scene.clock.advance(100);
    scene.report(preferred, fallback);
    await scene.clock.advance(249);
    assert.equal(scene.connector.dials.length, 2);
    await scene.clock.advance(1);
    assert.equal(scene.connector.dials.length, 4);
    scene.close();
    assert.equal(scene.clock.pending, 0);
  });

  test("works with pick_first", async () => {
    const scene = poolWithout("refusing", { loadBalancing: pickFirst() });
    await scene.clock.advance(1);
    assert.deepEqual(used(scene), ["[fd00::1]:1"]);
    scene.close();
    assert.equal(scene.clock.pending, 0);
  });

  test("says once that its fallback serves", async () => {
    const scene = dualStackPool();
    scene.report(preferred, fallback);
    await settle();
    assert.deepEqual(scene.events.ofType("hint"), []);
    for (let i = 0; i < 2; i++) {
      for (const host of preferred) scene.refusing.add(host);
      scene.losePreferred();
      await scene.clock.advance(1_000);
      scene.refusing.clear();
      await scene.clock.advance(30_000);
    }
    assert.deepEqual(scene.events.ofType("hint"), [
      {
        type: "hint",
        hint: "fallback",
        message: "no address that the resolver prefers for echo.test can be reached: its fallback addresses are used",
      },
    ]);
    scene.close();
  });
});

test("a fallback address that is preferred too is no fallback, and one that is no address is an error", async () => {
  const { pool, resolver, close } = fakePool();
  pool.wake();
  resolver.listener?.onAddresses([addressOf("10.0.0.1")], [addressOf("10.0.0.1")]);
  await settle();
  assert.deepEqual([...callsTo(pool, 2)], [["10.0.0.1:1", 2]]);
  resolver.listener?.onAddresses([addressOf("10.0.0.2")], [{ host: "", port: 1 }]);
  assert.match(pool.lastFailure?.message ?? "", /is not an address/);
  close();
});

describe("three levels", () => {
  const level = (i: number) => `10.0.${i}.1:1`;
  const factsOf = (id: string, state: BackendFacts["state"]): BackendFacts => ({
    id,
    state,
    lastFailure: undefined,
    availability: "usable",
  });

  /** Of one endpoint each. `become` says what has become of those in use; `uses` counts them. */
  function threeLevels() {
    const clock = new ManualClock();
    const states = new Map<string, BackendFacts["state"]>();
    let uses = 0;
    const failover = new Failover((id) => factsOf(id, states.get(id) ?? "connecting"), clock, {
      onEndpoints: ({ size }, inUse) => {
        uses = size;
        inUse();
      },
      onFallbackServes: () => undefined,
    });
    const endpoints = [0, 1, 2].map((priority) => {
      const attributes = noAttributes.with(endpointPriority, priority);
      return [level(priority), { ...endpointOf(addressOf(`10.0.${priority}.1`)), attributes }] as const;
    });
    failover.resolved({ preferred: new Map(endpoints.slice(0, 1)), fallback: new Map(endpoints.slice(1)) });
    const become = async (...now: readonly BackendFacts["state"][]) => {
      for (const [i, state] of now.entries()) {
        states.set(level(i), state);
        failover.backendChanged(factsOf(level(i), state));
      }
      await settle();
    };
    return { clock, failover, become, uses: () => uses };
  }

  test("a return that was due is forgotten when nothing works any more: the next level joins instead", async () => {
    const { clock, failover, become, uses } = threeLevels();
    await clock.advance(10_000);
    assert.equal(uses(), 2);
    await become("connecting", "ready");
    await become("ready");
    await clock.advance(9_000);
    assert.equal(uses(), 2, "the first has not worked for long enough");
    await become("connecting", "connecting");
    await clock.advance(9_999);
    assert.equal(uses(), 2, "those in use are waited for");
    await clock.advance(1);
    assert.equal(uses(), 3);
    failover.stop();
    assert.equal(clock.pending, 0);
  });

  test("a level that was to join does not, once two of those before it work", async () => {
    const { clock, failover, become, uses } = threeLevels();
    await clock.advance(15_000);
    assert.equal(uses(), 2);
    await become("ready", "ready");
    await clock.advance(9_999);
    assert.equal(uses(), 2);
    await clock.advance(1);
    assert.equal(uses(), 1, "the first has worked for long enough");
    failover.stop();
    assert.equal(clock.pending, 0);
  });
});

test("thousands of preferred addresses that fail one by one are counted, not looked at again for each", async () => {
  const count = 2_000;
  const backends = new Map<string, BackendFacts & { looks: number }>();
  const lists: EndpointList[] = [];
  const failover = new Failover((id) => backends.get(id), new ManualClock(), {
    onEndpoints: (list, inUse) => {
      lists.push(list);
      inUse();
    },
    onFallbackServes: () => undefined,
  });
  const preferred = new Map<string, Endpoint>();
  for (let i = 0; i < count; i++) {
    const endpoint = endpointOf(addressOf(`10.0.${i >> 8}.${i & 255}`));
    const id = endpointId(endpoint);
    preferred.set(id, endpoint);
    backends.set(id, looked(id));
  }
  const fallback = new Map([["[fd00::1]:1", endpointOf(addressOf("fd00::1"))]]);
  failover.resolved({ preferred, fallback });
  for (const backend of backends.values()) {
    failover.backendChanged(Object.assign(backend, { failed: true }));
    await Promise.resolve();
  }
  await settle();
  assert.equal(lists.length, 2);
  assert.equal(lists[1]?.size, count + 1, "the fallback joins when the last one has failed");
  const looks = [...backends.values()].reduce((sum, backend) => sum + backend.looks, 0);
  assert.ok(looks <= 10 * count, `${looks} looks at ${count} backends`);
  failover.stop();
});

/** A backend that counts how often its state is looked at, and is dialled in vain once it has `failed`. */
function looked(id: string): BackendFacts & { looks: number; failed: boolean } {
  return {
    id,
    looks: 0,
    failed: false,
    get state() {
      this.looks++;
      return "idle" as const;
    },
    get lastFailure() {
      if (!this.failed) return undefined;
      return { kind: "dial", code: Code.Unavailable, progress: "unsent", message: "refused" } as const;
    },
  };
}
