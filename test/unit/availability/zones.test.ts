import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { zoneFactors } from "../../../src/availability/zones.ts";
import { endpointWeight, endpointZone, noAttributes } from "../../../src/endpoint/attributes.ts";
import { glinkTransport, ringHash } from "../../../src/index.ts";
import { FakeBackend } from "../../support/fake-backend.ts";
import { addressOf, callsTo, fakePool, TestCall } from "../../support/fake-pool.ts";
import { settle } from "../../support/manual-clock.ts";
import { seededRandom } from "../../support/random.ts";

/** So many backends in each zone. */
function inZones(counts: Readonly<Record<string, number>>): FakeBackend[] {
  return Object.entries(counts).flatMap(([zone, count]) =>
    Array.from({ length: count }, (_, i) => {
      const backend = new FakeBackend(`${zone}${i}`);
      const attributes = zone === "none" ? noAttributes : noAttributes.with(endpointZone, zone);
      backend.endpoint = { ...backend.endpoint, attributes };
      return backend;
    }),
  );
}

/** What part of its calls a client in `zone` sends to each zone. */
function sharesFrom(zone: string, ready: Readonly<Record<string, number>>, named = ready): Record<string, number> {
  const factors = zoneFactors(zone, inZones(ready), inZones(named), ({ weight }) => weight);
  if (factors === undefined) return {};
  const weights = Object.entries(ready).map(([name, count]) => {
    return [name, count * (factors.get(name === "none" ? undefined : name) ?? 0)] as const;
  });
  const total = weights.reduce((sum, [, weight]) => sum + weight, 0);
  return Object.fromEntries(weights.map(([name, weight]) => [name, Math.round((1_000 * weight) / total) / 1_000]));
}

describe("a client in a zone", () => {
  test("keeps all calls there, where it has as much as the others", () => {
    assert.deepEqual(sharesFrom("a", { a: 3, b: 3, c: 3 }), { a: 1, b: 0, c: 0 });
    assert.deepEqual(sharesFrom("a", { a: 1, b: 1, c: 1 }), { a: 1, b: 0, c: 0 });
    assert.deepEqual(sharesFrom("a", { a: 5, b: 3, c: 3 }), { a: 1, b: 0, c: 0 });
  });

  test("sends away what its zone cannot carry, and only to zones that have more than they need", () => {
    assert.deepEqual(sharesFrom("a", { a: 1, b: 2 }), { a: 0.667, b: 0.333 });
    assert.deepEqual(sharesFrom("a", { a: 1, b: 3, c: 5 }), { a: 0.333, b: 0, c: 0.667 });
    assert.deepEqual(sharesFrom("a", { a: 2, b: 5, c: 5 }), { a: 0.5, b: 0.25, c: 0.25 });
  });

  test("leaves weights as they are while no backend is ready", () => {
    assert.equal(
      zoneFactors("a", [], inZones({ a: 1, b: 1 }), ({ weight }) => weight),
      undefined,
    );
  });

  test("loads all backends alike, where all zones have as many clients", () => {
    const ready = { a: 1, b: 2, c: 6 };
    const loads = { a: 0, b: 0, c: 0 };
    for (const zone of ["a", "b", "c"]) {
      const shares = sharesFrom(zone, ready);
      for (const name of ["a", "b", "c"] as const) loads[name] += (shares[name] as number) / 3 / ready[name];
    }
    for (const load of Object.values(loads)) assert.ok(Math.abs(load - 1 / 9) < 0.001, JSON.stringify(loads));
  });

  test("sends all calls away while none of its zone works, as it does where it has none", () => {
    assert.deepEqual(sharesFrom("a", { b: 3, c: 3 }, { a: 3, b: 3, c: 3 }), { b: 0.5, c: 0.5 });
    assert.deepEqual(sharesFrom("x", { b: 3, c: 3 }), { b: 0.5, c: 0.5 });
  });

  test("makes no difference where no backend says its zone, and counts one that does not as a reserve", () => {
    assert.deepEqual(sharesFrom("a", { none: 3 }), {});
    assert.deepEqual(sharesFrom("a", { a: 1, none: 1, b: 1 }), { a: 0.667, none: 0.333, b: 0 });
  });
});

describe("a pool with a zone", () => {
  const endpoint = (host: string, zone: string, weight = 1) => ({
    addresses: [addressOf(host)],
    attributes: noAttributes.with(endpointZone, zone).with(endpointWeight, weight),
  });

  test("spills into the others by weight, and comes back when its own backends do", async () => {
    const { pool, resolver, connector, clock, events, close } = fakePool({ zone: "a", random: seededRandom(3) });
    pool.wake();
    const hosts = [endpoint("10.0.0.1", "a"), endpoint("10.0.0.2", "a"), endpoint("10.1.0.1", "b", 2)];
    resolver.listener?.onResolution({ endpoints: hosts });
    await settle();
    assert.deepEqual([...callsTo(pool, 100).values()], [50, 50]);
    connector.answerWith(() => undefined);
    connector.open.find(({ address }) => address === "10.0.0.2:1")?.lose();
    await settle();
    const spilled = callsTo(pool, 900);
    assert.ok(Math.abs((spilled.get("10.0.0.1:1") ?? 0) - 600) <= 2, JSON.stringify([...spilled]));
    assert.ok(Math.abs((spilled.get("10.1.0.1:1") ?? 0) - 300) <= 2);
    await clock.advance(1_000);
    connector.last.succeed();
    await settle();
    assert.deepEqual(new Set(callsTo(pool, 100).keys()), new Set(["10.0.0.1:1", "10.0.0.2:1"]));
    assert.deepEqual(
      events.ofType("zone-share-changed").map(({ share }) => share),
      [1, 0.667, 1],
    );
    close();
  });

  test("counts the clients of a zone that is new before any of its backends is ready", async () => {
    const { pool, resolver, connector, close } = fakePool({ zone: "a", random: seededRandom(3) });
    pool.wake();
    const hosts = [endpoint("10.0.0.1", "a"), endpoint("10.1.0.1", "b"), endpoint("10.1.0.2", "b")];
    resolver.listener?.onResolution({ endpoints: hosts });
    await settle();
    assert.equal(callsTo(pool, 90).size, 3);
    connector.answerWith(() => undefined);
    resolver.listener?.onResolution({ endpoints: [...hosts, endpoint("10.2.0.1", "c")] });
    await settle();
    assert.deepEqual([...callsTo(pool, 90).keys()], ["10.0.0.1:1"]);
    close();
  });

  test("sends each key where clients of other zones send it, with ringHash", async () => {
    const hosts = [endpoint("10.0.0.1", "a"), endpoint("10.0.0.2", "a"), endpoint("10.1.0.1", "b")];
    const backendsOf = async (zone: string) => {
      const { pool, resolver, close } = fakePool({ zone, loadBalancing: ringHash() });
      pool.wake();
      resolver.listener?.onResolution({ endpoints: hosts });
      const calls = Array.from({ length: 50 }, (_, i) => new TestCall(pool, { hashKey: `key ${i}` }).start());
      await settle();
      close();
      return calls.map(({ backend }) => backend);
    };
    const backends = await backendsOf("a");
    assert.equal(new Set(backends).size, 3);
    assert.deepEqual(await backendsOf("b"), backends);
  });

  test("has it as an option that is checked", () => {
    assert.throws(
      () => glinkTransport({ baseUrl: "http://echo.test", zone: "" }),
      /zone must be a text that is not empty/,
    );
    assert.throws(() => glinkTransport({ baseUrl: "http://echo.test", zone: 1 as unknown as string }), /zone must be/);
  });
});
