import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, test } from "node:test";
import { Code } from "@connectrpc/connect";
import { HashRing } from "../../../src/balancing/hash-ring.ts";
import { type RingHashOptions, ringHash } from "../../../src/balancing/ring-hash.ts";
import { Xxh64 } from "../../../src/base/xxh64.ts";
import { endpointHashKey, endpointWeight, noAttributes } from "../../../src/endpoint/attributes.ts";
import type { RecordedRing } from "../../suites/ring-hash/recorded-ring.ts";
import { FakeBackend } from "../../support/fake-backend.ts";
import { pickingFrom } from "../../support/picks.ts";

const recordedPath = join(import.meta.dirname, "../../suites/ring-hash/recorded.json");
const recorded = JSON.parse(readFileSync(recordedPath, "utf8")) as RecordedRing[];

/** The members that keys fall to. */
function ownersOf(ring: HashRing, keys: readonly string[]): number[] {
  const hash = new Xxh64();
  return keys.map((key) => {
    hash.hash(key);
    return ring.owners[ring.entryOf(hash.hi, hash.lo)] as number;
  });
}

const thousandKeys = Array.from({ length: 1_000 }, (_, i) => `key-${i}`);

describe("a hash ring", () => {
  for (const { name, addresses, hashKeys, min, max, cameTo } of recorded) {
    test(`of ${name} sends each key where grpc-go sends it`, () => {
      const members = (hashKeys ?? addresses).map((key) => ({ key, weight: 1 }));
      const owners = ownersOf(new HashRing(members, { min, max }), Object.keys(cameTo));
      assert.deepEqual(
        owners.map((owner) => addresses[owner]),
        Object.values(cameTo),
      );
    });
  }

  const sizeOf = (weights: readonly number[], min = 1_024, max = 4_096) => {
    const members = weights.map((weight, i) => ({ key: `m${i}`, weight }));
    const ring = new HashRing(members, { min, max });
    const entries = weights.map((_, i) => ring.owners.filter((owner) => owner === i).length);
    return { size: ring.size, entries, ring };
  };

  test("has at least 1 024 entries, as many for each, and at most 4 096", () => {
    assert.equal(sizeOf([1, 1, 1]).size, 1_026);
    assert.deepEqual(sizeOf([1, 1, 1, 1]).entries, [256, 256, 256, 256]);
    assert.equal(sizeOf(Array(10_000).fill(1)).size, 4_096);
    assert.equal(sizeOf([1, 1e6]).size, 4_096);
  });

  test("has entries by weight", () => {
    assert.deepEqual(sizeOf([3, 3, 4], 10).entries, [3, 3, 4]);
    assert.deepEqual(sizeOf([1, 3]).entries, [256, 768]);
  });

  test("knows the share of all keys that each has", () => {
    const shares = sizeOf([1, 3]).ring.sharesOf(2);
    assert.ok(Math.abs(shares[0]! + shares[1]! - 1) < 1e-9);
    const counted = ownersOf(
      sizeOf([1, 3]).ring,
      Array.from({ length: 20_000 }, (_, i) => `${i}`),
    );
    const share = counted.filter((owner) => owner === 0).length / 20_000;
    assert.ok(Math.abs(share - shares[0]!) < 0.01, `${share} of ${shares[0]}`);
  });

  test("moves the keys of a member that leaves, and no others, in whatever order members are named", () => {
    const members = Array.from({ length: 10 }, (_, i) => ({ key: `m${i}`, weight: 1 }));
    const size = { min: 1_000, max: 4_096 };
    const before = ownersOf(new HashRing(members, size), thousandKeys).map((owner) => members[owner]?.key);
    const fewer = members.filter(({ key }) => key !== "m3").reverse();
    const after = ownersOf(new HashRing(fewer, { min: 900, max: 4_096 }), thousandKeys).map(
      (owner) => fewer[owner]?.key,
    );
    for (const [i, key] of before.entries()) if (key !== "m3") assert.equal(after[i], key);
  });
});

/** Calls with keys over backends that are `idle` at first. */
function setUp(count: number, options: RingHashOptions = { key: "x-key" }, state: FakeBackend["state"] = "ready") {
  const list = Array.from({ length: count }, (_, i) => new FakeBackend(`b${i}`, state));
  const all = pickingFrom(ringHash(options), list);
  const to = (key: string, changes = {}) => all.pick({ metadata: ["x-key", key], ...changes });
  /** The backend that a key falls to when all work. */
  const owner = (key: string) => {
    const members = list.map(({ id }) => ({ key: `${id}:1`, weight: 1 }));
    const [index = 0] = ownersOf(new HashRing(members, { min: 1_024, max: 4_096 }), [key]);
    return list[index] as FakeBackend;
  };
  return { list, to, owner, ...all };
}

describe("ringHash", () => {
  test("sends a key to its backend, from metadata, from the call's own option or from a function", () => {
    const { to, owner, pick } = setUp(10);
    for (const key of thousandKeys) assert.equal(to(key), owner(key));
    assert.equal(
      pick({ metadata: ["x-key", "other"], hashKey: "key-1" }),
      owner("key-1"),
      "the call's own comes first",
    );
    const byFunction = setUp(10, { key: ({ metadata }) => metadata[1] });
    assert.equal(byFunction.pick({ metadata: ["x-any", "key-7"] }), byFunction.owner("key-7"));
  });

  test("sends calls without a key to all", () => {
    const { counts } = setUp(4);
    const served = counts(4_000);
    assert.ok(Math.min(...served) > 700, `${served}`);
  });

  test("connects a backend when the first call comes for it, and lets that call wait", () => {
    const { to, owner, list, policy } = setUp(10, undefined, "idle");
    assert.equal(list.filter(({ state }) => state === "connecting").length, 1, "one is dialled for whoever waits");
    const [key] = thousandKeys.filter((one) => owner(one).state === "idle") as [string];
    assert.equal(to(key), "queue");
    assert.equal(owner(key).state, "connecting");
    assert.equal(list.filter(({ state }) => state === "connecting").length, 2);
    owner(key).succeed();
    policy.update(list);
    assert.equal(to(key), owner(key));
  });

  test("passes over a backend that failed, also while it is dialled again, and goes back to it", () => {
    const { to, owner, list, policy } = setUp(10);
    const lost = owner("key-1");
    lost.fail();
    policy.update(list);
    const next = to("key-1") as FakeBackend;
    assert.notEqual(next, lost);
    assert.equal(to("key-1"), next, "always to the same one");
    lost.state = "idle";
    policy.update(list);
    assert.equal(lost.state, "connecting", "after its backoff it is dialled again, without a call for it");
    assert.equal(to("key-1"), next);
    lost.succeed();
    policy.update(list);
    assert.equal(to("key-1"), lost);
  });

  test("goes on to the next on the ring where the backend is full, was tried, or is suspect", () => {
    const { to, owner, list, policy } = setUp(10);
    const first = owner("key-1");
    const second = to("key-1", { tried: [first] });
    assert.ok(second instanceof FakeBackend && second !== first);
    first.full = true;
    assert.equal(to("key-1"), second);
    first.full = false;
    first.availability = "suspect";
    policy.update(list);
    assert.equal(to("key-1"), second);
  });

  test("lets calls wait where all are full, and walks no ring until one has room again", () => {
    const { to, list, picker } = setUp(10);
    for (const backend of list) backend.full = true;
    assert.equal(to("key-1"), "queue");
    const looks = () => list.reduce((sum, one) => sum + one.looks, 0);
    const before = looks();
    for (let i = 0; i < 100; i++) assert.equal(to("key-1"), "queue");
    assert.equal(looks(), before);
    for (const backend of list) backend.full = false;
    picker().roomAgain?.(list[0] as FakeBackend);
    assert.ok(to("key-1") instanceof FakeBackend);
  });

  test("fails calls when all have failed", () => {
    const { to, list, policy } = setUp(3);
    for (const backend of list) backend.fail();
    policy.update(list);
    const result = to("key-1");
    assert.ok(typeof result === "object" && "code" in result && result.code === Code.Unavailable);
  });

  test("moves no key when a weight grows slowly, and some when the endpoint's own weight changes", () => {
    const { to, owner, list, policy } = setUp(10);
    for (const backend of list) backend.weight = 0.1;
    policy.update(list);
    for (const key of thousandKeys) assert.equal(to(key), owner(key));
    const [heavy] = list as [FakeBackend];
    heavy.endpoint = { ...heavy.endpoint, attributes: noAttributes.with(endpointWeight, 9) };
    heavy.state = "idle";
    policy.update(list);
    heavy.state = "ready";
    policy.update(list);
    const served = thousandKeys.filter((key) => to(key) === heavy).length;
    assert.ok(served > 400 && served < 600, `${served} of 1 000`);
  });

  test("keeps an endpoint's keys where it has another address and the same hash key", () => {
    const withKey = (id: string, key: string) => {
      const backend = new FakeBackend(id);
      backend.endpoint = { ...backend.endpoint, attributes: noAttributes.with(endpointHashKey, key) };
      return backend;
    };
    const cameTo = (prefix: string) => {
      const list = [0, 1, 2].map((i) => withKey(`${prefix}${i}`, `pod-${i}`));
      const { pick } = pickingFrom(ringHash(), list);
      return thousandKeys.map((hashKey) => list.indexOf(pick({ hashKey }) as FakeBackend));
    };
    assert.deepEqual(cameTo("old"), cameTo("new"));
  });

  test("says in the snapshot how much of all keys each backend has", () => {
    const { factsOf, list } = setUp(4);
    const shares = list.map((backend) => factsOf(backend)?.share ?? 0);
    assert.ok(Math.abs(shares.reduce((sum, share) => sum + share, 0) - 1) < 1e-9);
  });

  test("says what is wrong with its options", () => {
    for (const key of ["X-Key", "x-key-bin", "", "x key"])
      assert.throws(() => ringHash({ key }), /ringHash: key must be/);
    assert.throws(() => ringHash({ minRingSize: 0 }), /ringHash: minRingSize must be an integer from 1 to 8388608/);
    assert.throws(() => ringHash({ minRingSize: 5_000 }), /minRingSize 5000 is greater than maxRingSize 4096/);
    assert.throws(() => ringHash({ ring: 5 } as RingHashOptions), /has no field "ring"/);
  });
});
