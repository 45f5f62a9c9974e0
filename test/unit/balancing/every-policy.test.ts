import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { leastRequest } from "../../../src/balancing/least-request.ts";
import { peakEwma } from "../../../src/balancing/peak-ewma.ts";
import type { LoadBalancing } from "../../../src/balancing/policy.ts";
import { randomPick } from "../../../src/balancing/random-pick.ts";
import { ringHash } from "../../../src/balancing/ring-hash.ts";
import { roundRobin } from "../../../src/balancing/round-robin.ts";
import { weightedRoundRobin } from "../../../src/balancing/weighted-round-robin.ts";
import { systemRandom } from "../../../src/runtime/random.ts";
import type { FakeBackend } from "../../support/fake-backend.ts";
import { pickInfo } from "../../support/fake-pool.ts";
import { hundred, pickingFrom } from "../../support/picks.ts";

// With the system's chance: the compiler sees through it, as in a process that has no other.

/** Each policy, and whether the backends it is given differ in weight. */
const policies: readonly { readonly name: string; readonly make: () => LoadBalancing; readonly unequal?: boolean }[] = [
  { name: "roundRobin", make: roundRobin },
  { name: "roundRobin, by weight", make: roundRobin, unequal: true },
  { name: "randomPick", make: randomPick },
  { name: "randomPick, by weight", make: randomPick, unequal: true },
  { name: "leastRequest", make: leastRequest },
  { name: "leastRequest, by weight", make: leastRequest, unequal: true },
  { name: "peakEwma", make: peakEwma },
  { name: "weightedRoundRobin", make: weightedRoundRobin },
  { name: "ringHash", make: () => ringHash({ key: () => "user-4711" }) },
];

for (const { name, make, unequal = false } of policies) {
  const setUp = (count: number) => {
    const list = hundred(count);
    if (unequal) for (const [i, backend] of list.entries()) backend.weight = 1 + (i % 7);
    return { list, ...pickingFrom(make(), list, systemRandom()) };
  };

  describe(`a picker of ${name}`, () => {
    test("passes over backends that are full, however many are", () => {
      const { list, picked } = setUp(100);
      const [free] = list.slice(37) as [FakeBackend];
      for (const backend of list) backend.full = backend !== free;
      for (let i = 0; i < 50; i++) assert.equal(picked()?.backend, free);
    });

    test("passes over backends that the call has tried, while others have room", () => {
      const { list, picked } = setUp(3);
      const [a, b, c] = list as [FakeBackend, FakeBackend, FakeBackend];
      for (let i = 0; i < 50; i++) assert.equal(picked({ tried: [a, c] })?.backend, b);
      b.full = true;
      for (let i = 0; i < 50; i++) assert.ok([a, c].includes(picked({ tried: [a, b, c] })?.backend as FakeBackend));
    });

    test("lets calls wait when all are full, and looks at none of them until one has room again", () => {
      const { list, pick, picked, picker } = setUp(100);
      for (const backend of list) backend.full = true;
      assert.equal(pick(), "queue");
      const looks = () => list.reduce((sum, backend) => sum + backend.looks, 0);
      const before = looks();
      for (let i = 0; i < 1_000; i++) assert.equal(pick(), "queue");
      assert.equal(looks(), before);
      const [free] = list.slice(50) as [FakeBackend];
      free.full = false;
      picker().roomAgain?.(free);
      assert.equal(picked()?.backend, free);
    });

    test("looks at no more than a few of 1 000 backends", () => {
      const { list, pick } = setUp(1_000);
      for (const backend of list) backend.looks = 0;
      for (let i = 0; i < 1_000; i++) pick();
      const looks = list.reduce((sum, backend) => sum + backend.looks, 0);
      assert.ok(looks <= 2_500, `${looks} looks for 1 000 picks`);
    });

    test("allocates nothing", () => {
      const { picker } = setUp(100);
      const current = picker();
      const run = (count: number) => {
        for (let i = 0; i < count; i++) current.pick(pickInfo);
      };
      const bytesOf = (count: number) => {
        const before = process.memoryUsage().heapUsed;
        run(count);
        return process.memoryUsage().heapUsed - before;
      };
      // Until the compiler has had its say, and no scavenge falls in between.
      run(50_000);
      const bytes = Math.min(...Array.from({ length: 10 }, () => Math.abs(bytesOf(10_000))));
      assert.ok(bytes < 10_000, `${bytes} bytes for 10 000 picks`);
    });
  });
}
