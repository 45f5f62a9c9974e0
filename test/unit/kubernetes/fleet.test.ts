import assert from "node:assert/strict";
import { test } from "node:test";
import { type FleetLists, fleetLists } from "../../support/fleet.ts";

const size = 1_000;
const isSpread = ({ all, worstSecond }: FleetLists) => {
  assert.equal(all, size, "each asks for one list");
  assert.ok(worstSecond <= size / 20, `${worstSecond} of ${size} in one second`);
};

test("no second sees more than a twentieth of a fleet list: at its start with startSpreadMs, and when its server comes back without its history", async () => {
  const { start, back, watches } = await fleetLists(size, 30_000);
  isSpread(start);
  isSpread(back);
  assert.equal(watches, size, "all watch again");
});

test("without startSpreadMs the first lists are asked for at once, for calls wait for them", async () => {
  const { start, back } = await fleetLists(size, 0);
  assert.deepEqual(start, { all: size, worstSecond: size });
  isSpread(back);
});
