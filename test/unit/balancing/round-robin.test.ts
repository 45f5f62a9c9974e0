import assert from "node:assert/strict";
import { test } from "node:test";
import { roundRobin } from "../../../src/balancing/round-robin.ts";
import { backends, FakeBackend, policyOf } from "../../support/fake-backend.ts";
import { pickInfo } from "../../support/fake-pool.ts";
import { seededRandom } from "../../support/random.ts";

function setUp(list: FakeBackend[], random = seededRandom(1)) {
  const { policy, picker } = policyOf(roundRobin(), random);
  policy.update(list);
  const pick = (tried: FakeBackend[] = []) => picker().pick({ ...pickInfo, tried });
  const keys = (count: number) =>
    Array.from({ length: count }, () => {
      const picked = pick();
      return picked instanceof FakeBackend ? picked.id : String(picked);
    });
  const roomAgain = (backend: FakeBackend) => picker().roomAgain?.(backend);
  return { policy, pick, keys, roomAgain };
}

test("every backend has its turn, exactly", () => {
  const { keys } = setUp(backends("a", "b", "c"));
  const round = keys(3).join("");
  assert.ok(["abc", "bca", "cab"].includes(round), round);
  assert.equal(keys(3_000).join(""), round.repeat(1_000));
});

test("50 clients begin at random backends", () => {
  const random = seededRandom(3);
  const first = new Map<string, number>();
  for (let client = 0; client < 50; client++) {
    const [key = ""] = setUp(backends("a", "b", "c", "d", "e"), random).keys(1);
    first.set(key, (first.get(key) ?? 0) + 1);
  }
  assert.equal(first.size, 5);
  for (const count of first.values()) assert.ok(count <= 20, `${count} of 50 begin at the same`);
});

test("many clients dial their backends in different orders", () => {
  const random = seededRandom(5);
  const order: string[] = [];
  class Recording extends FakeBackend {
    override connect(): void {
      super.connect();
      order.push(this.id);
    }
  }
  for (let client = 0; client < 50; client++) {
    setUp(
      ["a", "b", "c", "d", "e"].map((key) => new Recording(key, "idle")),
      random,
    );
  }
  const heads = new Set(order.filter((_, i) => i % 5 === 0));
  assert.equal(heads.size, 5);
});

test("the cursor goes on after the backend served last when the list changes", () => {
  const [a, b, c, d, e] = backends("a", "b", "c", "d", "e") as [
    FakeBackend,
    FakeBackend,
    FakeBackend,
    FakeBackend,
    FakeBackend,
  ];
  const { policy, keys } = setUp([a, b, c]);
  while (keys(1)[0] !== "b");
  policy.update([a, b, c, d, e]);
  assert.deepEqual(keys(5), ["c", "d", "e", "a", "b"]);
  policy.update([a, c, d, e]);
  assert.deepEqual(keys(4), ["c", "d", "e", "a"], "b is gone: on after the one before it");
  policy.update([d, e]);
  assert.deepEqual(keys(2), ["d", "e"]);
  policy.update([a, b, c]);
  assert.equal(new Set(keys(3)).size, 3);
});

test("an update in every round favours nobody", () => {
  const list = backends("a", "b", "c", "d");
  const { policy, keys } = setUp(list);
  const served = new Map<string, number>();
  for (let i = 0; i < 400; i++) {
    for (const key of keys(1)) served.set(key, (served.get(key) ?? 0) + 1);
    policy.update([...list]);
  }
  assert.deepEqual([...served.values()], [100, 100, 100, 100]);
});

test("backends that are full or not ready are passed over, and calls wait when none has room", () => {
  const list = backends("a", "b", "c");
  const { keys } = setUp(list);
  const [a, b, c] = list as [FakeBackend, FakeBackend, FakeBackend];
  a.full = true;
  assert.deepEqual(new Set(keys(10)), new Set(["b", "c"]));
  b.state = "idle";
  assert.deepEqual(new Set(keys(10)), new Set(["c"]));
  c.full = true;
  assert.deepEqual(keys(1), ["queue"]);
});

test("backends that a call has tried come last", () => {
  const [a, b, c] = backends("a", "b", "c") as [FakeBackend, FakeBackend, FakeBackend];
  const { pick } = setUp([a, b, c]);
  for (let i = 0; i < 6; i++) assert.equal(pick([a, c]), b);
  b.full = true;
  for (let i = 0; i < 6; i++) assert.ok([a, c].includes(pick([a, b, c]) as FakeBackend));
});

test("a call that has tried every backend goes on in turn", () => {
  const list = backends("a", "b", "c");
  const { pick } = setUp(list);
  const retried = Array.from({ length: 6 }, () => list.indexOf(pick(list) as FakeBackend));
  const start = retried[0] ?? 0;
  assert.deepEqual(
    retried,
    [0, 1, 2, 3, 4, 5].map((turn) => (start + turn) % 3),
  );
});

test("a pick among 10 000 backends looks at one", () => {
  const list = backends(...Array.from({ length: 10_000 }, (_, i) => String(i)));
  const { pick } = setUp(list);
  for (const backend of list) backend.looks = 0;
  for (let i = 0; i < 10_000; i++) pick();
  assert.ok(list.every(({ looks }) => looks === 1));
});

test("thousands of waiting calls do not walk around a full ring: who has room again says so", () => {
  const list = backends(...Array.from({ length: 200 }, (_, i) => String(i)));
  const { pick, roomAgain } = setUp(list);
  const looks = () => list.reduce((sum, backend) => sum + backend.looks, 0);
  for (const backend of list) backend.full = true;
  assert.equal(pick(), "queue");
  const before = looks();
  for (let i = 0; i < 8_000; i++) assert.equal(pick(), "queue");
  assert.equal(looks(), before);
  const [a, b, c] = list.slice(50) as [FakeBackend, FakeBackend, FakeBackend];
  for (const backend of [a, b, c]) {
    backend.full = false;
    roomAgain(backend);
  }
  assert.deepEqual([pick(), pick(), pick(), pick()], [a, b, c, a], "in turn");
  assert.equal(pick([b]), c, "one that the call has tried comes last");
  a.full = true;
  c.full = true;
  assert.equal(pick([b]), b);
  b.full = true;
  assert.equal(pick(), "queue");
  assert.ok(looks() - before < 20, `${looks() - before} looks`);
  for (const backend of list) {
    backend.full = false;
    roomAgain(backend);
  }
  assert.equal(new Set(Array.from({ length: 200 }, () => pick())).size, 200, "and then all have their turn");
});

test("without a ready backend calls wait, until all have failed", () => {
  const list = [new FakeBackend("a", "idle"), new FakeBackend("b", "idle")];
  const [a, b] = list as [FakeBackend, FakeBackend];
  const { policy, pick } = setUp(list);
  assert.deepEqual(
    list.map(({ connects }) => connects),
    [1, 1],
  );
  assert.equal(pick(), "queue");
  a.fail();
  policy.update(list);
  assert.equal(pick(), "queue");
  b.fail();
  policy.update(list);
  assert.match((pick() as { message: string }).message, /no backend of echo\.test is reachable; last error: no way to/);
  a.state = "connecting";
  policy.update(list);
  assert.notEqual(pick(), "queue", "failed until ready");
  a.succeed();
  policy.update(list);
  assert.equal(pick(), a);
});
