import assert from "node:assert/strict";
import { test } from "node:test";
import { DynamicTable } from "../../../../../src/http2/wire/hpack/dynamic-table.ts";
import { seededRandom } from "../../../../support/random.ts";

const overheadBytes = 32;
const fullBytes = 4_096;

/** RFC 7541 §4 word for word, newest first, and no ring. */
class PlainTable {
  readonly entries: (readonly [name: string, value: string])[] = [];
  maxBytes = fullBytes;

  get bytes(): number {
    return this.entries.reduce((sum, [name, value]) => sum + name.length + value.length + overheadBytes, 0);
  }

  add(name: string, value: string): void {
    this.entries.unshift([name, value]);
    this.shrink();
  }

  resize(bytes: number): void {
    this.maxBytes = bytes;
    this.shrink();
  }

  shrink(): void {
    while (this.bytes > this.maxBytes) this.entries.pop();
  }
}

test("entries keep their places through every growth, eviction and size update", () => {
  const random = seededRandom(7);
  const upTo = (limit: number) => Math.floor(random.next() * limit);
  const [table, plain] = [new DynamicTable(), new PlainTable()];
  let largest = 0;
  for (let step = 0; step < 3_000; step++) {
    const phase = Math.floor(step / 500);
    if (upTo(60) === 0) {
      const bytes = upTo(fullBytes + 1);
      table.resize(bytes);
      plain.resize(bytes);
    } else {
      // Now and then so small that more than a hundred fit, or one larger than the table.
      const length = phase % 2 === 0 ? upTo(4) : upTo(upTo(50) === 0 ? 5_000 : 200);
      table.add(`n${step}`, "v".repeat(length));
      plain.add(`n${step}`, "v".repeat(length));
    }
    largest = Math.max(largest, plain.entries.length);
    assert.equal(table.length, plain.entries.length);
    assert.equal(table.bytes, plain.bytes);
    for (const [index, [name, value]] of plain.entries.entries()) {
      assert.equal(table.nameAt(index), name);
      assert.equal(table.valueAt(index), value);
    }
  }
  assert.ok(largest > 64, `${largest} entries at most`);
});
