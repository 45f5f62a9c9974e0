import assert from "node:assert/strict";
import { test } from "node:test";
import { FleetClock, FleetServer, startFleet } from "../../support/fleet.ts";

test("when an API server comes back without its history, no second sees more than a twentieth of a fleet list again", async () => {
  const size = 1_000;
  const clock = new FleetClock();
  const api = new FleetServer(clock);
  const watches = startFleet(size, api, clock);
  await clock.advance(3_000);
  assert.equal(api.watches, size);
  api.listsBySecond.clear();
  await clock.advance(30_000);
  api.stop();
  await clock.advance(60_000);
  assert.equal(api.listsBySecond.size, 0);
  api.startWithoutHistory();
  await clock.advance(90_000);
  assert.equal(api.watches, size, "all watch again");
  const lists = [...api.listsBySecond.values()];
  assert.equal(
    lists.reduce((sum, count) => sum + count, 0),
    size,
    "each asked for one list",
  );
  assert.ok(Math.max(...lists) <= size / 20, `${Math.max(...lists)} of ${size} in one second`);
  for (const watch of watches) watch.close();
});

test("of a fleet that starts together, with startSpreadMs, no second sees more than a twentieth of it ask", async () => {
  const size = 1_000;
  const clock = new FleetClock();
  const api = new FleetServer(clock);
  const watches = startFleet(size, api, clock, 30_000);
  await clock.advance(31_000);
  assert.equal(api.watches, size, "all watch");
  assert.ok(Math.max(...api.listsBySecond.values()) <= size / 20);
  for (const watch of watches) watch.close();
});
