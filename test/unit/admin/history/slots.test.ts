import assert from "node:assert/strict";
import { test } from "node:test";
import { Slots, slotCount } from "../../../../src/admin/history/slots.ts";

test("a backend keeps its colour while others come and go, and a newcomer takes what is free", () => {
  const slots = new Slots();
  slots.assign(["a", "b", "c"]);
  assert.deepEqual(Object.fromEntries(slots.assign(["b", "c", "d"])), { b: 1, c: 2, d: 0 });
});

test("beyond the colours there are, backends have none", () => {
  const addresses = Array.from({ length: slotCount + 3 }, (_, i) => `10.0.0.${i}:1`);
  assert.equal(new Slots().assign(addresses).size, slotCount);
});
