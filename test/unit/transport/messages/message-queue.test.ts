import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { MessageQueue } from "../../../../src/transport/messages/message-queue.ts";

test("a queue gives messages back in order, whatever its filling", () => {
  const runs = fc.array(fc.record({ pushed: fc.nat(2_000), taken: fc.nat(2_000) }), { maxLength: 8 });
  fc.assert(
    fc.property(runs, (turns) => {
      const queue = new MessageQueue();
      const model: number[] = [];
      let next = 0;
      for (const { pushed, taken } of turns) {
        for (let i = 0; i < pushed; i++, next++) {
          queue.push(next & 1, Uint8Array.of(next >> 8, next));
          model.push(next);
        }
        for (let i = 0; i < taken && model.length > 0; i++) {
          const expected = model.shift() as number;
          assert.deepEqual([queue.flag, ...queue.payload], [expected & 1, (expected >> 8) & 0xff, expected & 0xff]);
          queue.shift();
        }
        assert.equal(queue.isEmpty, model.length === 0);
      }
    }),
    { numRuns: 30 },
  );
});

test("a queue that was cleared is empty and takes messages again", () => {
  const queue = new MessageQueue();
  for (let i = 0; i < 10; i++) queue.push(0, Uint8Array.of(i));
  queue.clear();
  assert.ok(queue.isEmpty);
  queue.push(1, Uint8Array.of(7));
  assert.deepEqual([queue.flag, queue.payload[0]], [1, 7]);
});
