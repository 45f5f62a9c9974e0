import assert from "node:assert/strict";
import { test } from "node:test";
import { TurnQuota } from "../../../../src/transport/messages/turn-quota.ts";
import { ManualClock } from "../../../support/manual-clock.ts";

function setup() {
  const clock = new ManualClock();
  return { clock, quota: new TurnQuota(clock) };
}

test("a turn is over after 256 KiB, small messages counted as 64 bytes more, and another one begins after input", async () => {
  const { clock, quota } = setup();
  for (let i = 0; i < 4_095; i++) quota.spend(0);
  assert.ok(!quota.isSpent);
  quota.spend(0);
  assert.ok(quota.isSpent);
  const gone: string[] = [];
  quota.wait(() => gone.push("on"));
  assert.deepEqual(gone, []);
  await clock.advance(0);
  assert.deepEqual(gone, ["on"]);
  assert.ok(!quota.isSpent);
});

test("a turn is over after 4 ms, which is noticed at once when messages are slow and soon when they become so", () => {
  const slow = setup();
  slow.clock.stall(5);
  slow.quota.spend(1);
  assert.ok(slow.quota.isSpent);
  const later = setup();
  for (let i = 0; i < 1_000; i++) later.quota.spend(1);
  later.clock.stall(5);
  for (let i = 0; i < 16; i++) later.quota.spend(1);
  assert.ok(later.quota.isSpent);
});

test("those who wait go on in their order, as many as the turn has room for", async () => {
  const { clock, quota } = setup();
  const turns: string[][] = [[]];
  const send = (name: string) => {
    turns.at(-1)?.push(name);
    quota.spend(100_000);
  };
  quota.spend(300_000);
  for (const name of ["a", "b", "c", "d"]) quota.wait(() => send(name));
  for (let i = 0; i < 2; i++) {
    await clock.advance(0);
    turns.push([]);
  }
  assert.deepEqual(turns, [["a", "b", "c"], ["d"], []]);
});
