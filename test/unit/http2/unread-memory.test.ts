import assert from "node:assert/strict";
import { test } from "node:test";
import { UnreadMemory } from "../../../src/http2/unread-memory.ts";
import { ManualClock } from "../../support/manual-clock.ts";

const mebibyte = 2 ** 20;

function newMemory() {
  const clock = new ManualClock();
  const memory = new UnreadMemory(clock);
  const limits: number[] = [];
  memory.listen({ onLimitChanged: () => limits.push(memory.limit(mebibyte)) });
  return { clock, memory, limits };
}

test("limits are short above 64 MiB, and full again below half of that", async () => {
  const { clock, memory, limits } = newMemory();
  memory.add(64 * mebibyte);
  assert.deepEqual([memory.limit(mebibyte), limits], [mebibyte, []]);
  memory.add(1);
  assert.deepEqual([memory.limit(mebibyte), limits], [65_536, [65_536]]);
  await clock.advance(10_000);
  memory.remove(32 * mebibyte + 1);
  assert.deepEqual([memory.limit(mebibyte), limits.length], [65_536, 1]);
  memory.remove(1);
  assert.deepEqual([memory.limit(mebibyte), limits], [mebibyte, [65_536, mebibyte]]);
  assert.equal(memory.bytes, 32 * mebibyte - 1);
});

test("a limit that is short by itself stays as it is", () => {
  const { memory } = newMemory();
  memory.add(65 * mebibyte);
  assert.deepEqual(
    [0, 1_000, 65_536, 65_537].map((bytes) => memory.limit(bytes)),
    [0, 1_000, 65_536, 65_536],
  );
});

test("limits change at most twice a second, however fast the bytes come and are read", async () => {
  const { clock, memory, limits } = newMemory();
  for (let ms = 0; ms < 10_000; ms++) {
    memory.add(65 * mebibyte);
    memory.remove(65 * mebibyte);
    await clock.advance(1);
  }
  assert.ok(limits.length >= 18 && limits.length <= 20, `${limits.length} changes in 10 s`);
  await clock.advance(1_000);
  assert.deepEqual([memory.bytes, memory.limit(mebibyte), clock.pending], [0, mebibyte, 0]);
});

test("a memory that is closed leaves no timer, and who stopped listening hears nothing", () => {
  const clock = new ManualClock();
  const memory = new UnreadMemory(clock);
  const listener = { onLimitChanged: () => assert.fail("told") };
  memory.listen(listener);
  memory.unlisten(listener);
  memory.add(65 * mebibyte);
  assert.equal(clock.pending, 1);
  memory.close();
  assert.equal(clock.pending, 0);
});
