import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { WriteBuffer } from "../../../../src/http2/wire/write-buffer.ts";
import { ManualClock } from "../../../support/manual-clock.ts";

function newBuffer() {
  const clock = new ManualClock();
  const writes: (readonly Uint8Array[])[] = [];
  const buffer = new WriteBuffer((pieces) => writes.push(pieces), clock);
  const write = (text: string) => {
    const at = buffer.reserve(text.length);
    buffer.slab.write(text, at, "latin1");
    return at;
  };
  const written = () => writes.map((pieces) => Buffer.concat(pieces).toString());
  return { buffer, write, writes, written, endTick: () => clock.advance(0) };
}

describe("WriteBuffer", () => {
  it("hands what was written in a tick over once, as one piece", async () => {
    const { write, writes, written, endTick } = newBuffer();
    write("one ");
    write("two");
    assert.equal(writes.length, 0);
    await endTick();
    assert.deepEqual(written(), ["one two"]);
    assert.equal(writes[0]?.length, 1);
    await endTick();
    write("three");
    await endTick();
    assert.deepEqual(written(), ["one two", "three"]);
  });

  it("never writes again where bytes were handed over", () => {
    const { buffer, write, written } = newBuffer();
    const texts = Array.from({ length: 5_000 }, (_, i) => `text number ${i} `);
    for (const text of texts) {
      write(text);
      buffer.flush();
    }
    assert.deepEqual(written(), texts);
  });

  it("keeps the order of what spans slabs, of any size", () => {
    const { buffer, write, written } = newBuffer();
    const texts = [10, 1_020, 1, 50_000, 3, 30_000, 5_000].map((length, i) => String(i).repeat(length));
    for (const text of texts) write(text);
    buffer.flush();
    assert.deepEqual(written(), [texts.join("")]);
  });

  it("goes on where a reservation was trimmed", () => {
    const { buffer, write, written } = newBuffer();
    const at = write("one, and more than was needed");
    buffer.trim(at + 3);
    write("two");
    buffer.flush();
    assert.deepEqual(written(), ["onetwo"]);
  });

  it("says how much follows in the same slab", () => {
    const { buffer, write } = newBuffer();
    const at = write("one");
    const { slab } = buffer;
    const left = slab.length - at - 3;
    assert.ok(buffer.hasRoom(left));
    assert.ok(!buffer.hasRoom(left + 1));
    assert.equal(buffer.reserve(left), at + 3);
    assert.equal(buffer.slab, slab);
  });

  it("passes on as it is what is appended, and first of all what overtakes", async () => {
    const { buffer, write, writes, written, endTick } = newBuffer();
    const large = Buffer.from("large");
    write("header ");
    buffer.append(large);
    write(" next");
    buffer.overtake(Buffer.from("urgent "));
    await endTick();
    assert.deepEqual(written(), ["urgent header large next"]);
    assert.ok(writes[0]?.includes(large));
  });

  it("lets a batch go before the tick is over only when it is large", () => {
    const { buffer, write, writes } = newBuffer();
    write("small");
    buffer.flushIfLarge();
    assert.equal(writes.length, 0);
    buffer.append(Buffer.alloc(131_072));
    buffer.flushIfLarge();
    assert.equal(writes.length, 1);
  });

  it("counts the batches that leave, and no others", () => {
    const { buffer, write } = newBuffer();
    const { batch } = buffer;
    buffer.flush();
    write("dropped");
    buffer.discard();
    buffer.flush();
    assert.equal(buffer.batch, batch);
    write("sent");
    buffer.flush();
    assert.equal(buffer.batch, batch + 1);
  });

  it("hands nothing over at the end of a tick in which it was closed, or of any later one", async () => {
    const { buffer, write, writes, endTick } = newBuffer();
    write("one");
    buffer.close();
    write("two");
    await endTick();
    write("three");
    await endTick();
    assert.equal(writes.length, 0);
  });
});
