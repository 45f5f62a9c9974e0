import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { type Endpoint, endpointId, endpointOf } from "../../../src/endpoint/endpoint.ts";
import { glinkTransport } from "../../../src/index.ts";
import { Subset } from "../../../src/pool/subset.ts";
import type { SubsetSize } from "../../../src/pool/subset-options.ts";
import { fakePool } from "../../support/fake-pool.ts";
import { settle } from "../../support/manual-clock.ts";
import { seededRandom } from "../../support/random.ts";

const endpoints: readonly Endpoint[] = Array.from({ length: 1_000 }, (_, i) =>
  endpointOf({ host: `10.0.${i >> 8}.${i & 255}`, port: 1 }),
);
const listOf = (some: readonly Endpoint[]) => new Map(some.map((one) => [endpointId(one), one]));

/** 200 clients, each with a subset of 20. */
function clients(kind: "by chance" | "exact"): readonly Subset[] {
  const random = seededRandom(11);
  return Array.from(
    { length: 200 },
    (_, index) => new Subset(kind === "exact" ? { size: 20, index, count: 200 } : 20, random),
  );
}

function loadsOf(subsets: readonly Subset[], some: readonly Endpoint[]): number[] {
  const loads = new Map(some.map((one) => [endpointId(one), 0]));
  const list = listOf(some);
  for (const subset of subsets) {
    for (const id of subset.of(list).keys()) loads.set(id, (loads.get(id) ?? 0) + 1);
  }
  return [...loads.values()];
}

describe("200 clients of 1 000 backends, with subsets of 20,", () => {
  test("in their exact form give each backend as many connections, more or less one", () => {
    assert.deepEqual(new Set(loadsOf(clients("exact"), endpoints)), new Set([4]));
    assert.deepEqual(new Set(loadsOf(clients("exact"), endpoints.slice(0, 997))), new Set([4, 5]));
    assert.deepEqual(new Set(loadsOf(clients("exact"), endpoints.slice(0, 30))), new Set([133, 134]));
  });

  test("by chance load backends as chance does: no further from the mean than 3 sigma, but for as many as that", () => {
    const loads = loadsOf(clients("by chance"), endpoints);
    const sigma = Math.sqrt(200 * 0.02 * 0.98);
    const variance = loads.reduce((sum, load) => sum + (load - 4) ** 2, 0) / loads.length;
    assert.equal(
      loads.reduce((sum, load) => sum + load, 0),
      4_000,
    );
    assert.ok(Math.abs(Math.sqrt(variance) - sigma) < 0.2, `${Math.sqrt(variance)} of ${sigma}`);
    assert.ok(loads.filter((load) => Math.abs(load - 4) > 3 * sigma).length <= 10);
  });

  for (const kind of ["by chance", "exact"] as const) {
    test(`${kind} change one connection each, at most, when one backend leaves or comes`, () => {
      for (const gone of [0, 123, 500, 999]) {
        const all = listOf(endpoints);
        const fewer = listOf(endpoints.filter((_, i) => i !== gone));
        for (const subset of clients(kind)) {
          const before = subset.of(all);
          const after = subset.of(fewer);
          assert.equal(after.size, 20);
          assert.ok([...after.keys()].filter((id) => !before.has(id)).length <= 1);
        }
      }
    });
  }
});

test("a subset is the whole list where that is no longer, and keeps its order", () => {
  const few = listOf(endpoints.slice(0, 20));
  assert.equal(new Subset(20, seededRandom(1)).of(few), few);
  assert.equal(new Subset(Number.POSITIVE_INFINITY, seededRandom(1)).of(few), few);
  const ids = [...new Subset(5, seededRandom(1)).of(few).keys()];
  assert.deepEqual(
    ids,
    [...few.keys()].filter((id) => ids.includes(id)),
  );
});

test("a pool connects to its subset, and to the same one when the resolver names it again", async () => {
  const { pool, connector, resolver, close } = fakePool({ subsetSize: 3, random: seededRandom(5) });
  pool.wake();
  const hosts = Array.from({ length: 10 }, (_, i) => `10.0.0.${i}`);
  resolver.report(...hosts);
  await settle();
  const before = pool.subchannels.map(({ id }) => id);
  assert.equal(before.length, 3);
  resolver.report(...[...hosts].reverse());
  await settle();
  assert.deepEqual(pool.subchannels.map(({ id }) => id).sort(), [...before].sort());
  assert.equal(connector.dials.length, 3);
  close();
});

test("subsetSize says what is wrong with it", () => {
  for (const [subsetSize, text] of [
    [0, /subsetSize must be an integer from 1/],
    [2.5, /subsetSize must be an integer/],
    ["3", /subsetSize must be an integer/],
    [{ size: 3, index: 4, count: 4 }, /subsetSize.index must be an integer from 0 to 3, not 4/],
    [{ size: 3, index: 0 }, /subsetSize.count must be an integer/],
    [{ size: 3, index: 0, count: 4, seed: 1 }, /subsetSize has no field "seed"/],
    [null, /subsetSize must be a number or/],
  ] as const) {
    assert.throws(() => glinkTransport({ baseUrl: "http://echo.test", subsetSize: subsetSize as SubsetSize }), text);
  }
});
