import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { HpackError } from "../../../../../src/http2/wire/hpack/block-cursor.ts";
import { HpackDecoder } from "../../../../../src/http2/wire/hpack/decoder.ts";
import { HuffmanDecoder } from "../../../../../src/http2/wire/hpack/huffman.ts";
import { block } from "../raw-peer.ts";

function newDecoder(): HpackDecoder {
  return new HpackDecoder(new HuffmanDecoder(), { maxBytes: 65_536, maxFields: 1_000 });
}

/** A literal of `block`, with another representation: 0x40 puts it into the table. */
function literal(representation: number, name: string, value: string): Buffer {
  return Buffer.concat([Buffer.from([representation]), block(name, value).subarray(1)]);
}

/** Bytes of a Huffman-coded literal whose name is "k": `count` times "0", whose code is 00000. */
function huffmanZeros(representation: number, count: number): Buffer {
  const bytes = Buffer.alloc(Math.ceil((count * 5) / 8));
  const padding = bytes.length * 8 - count * 5;
  if (padding > 0) bytes[bytes.length - 1] = 2 ** padding - 1;
  const length = bytes.length;
  assert.ok(length >= 127 + 128 && length < 127 + 128 * 128);
  const prefix = [0xff, 0x80 | ((length - 127) & 0x7f), (length - 127) >> 7];
  return Buffer.concat([Buffer.from([representation, 1, 0x6b, ...prefix]), bytes]);
}

/** What a decoder's table holds: what its indices mean, until the first that means nothing. */
function tableOf(decoder: HpackDecoder): readonly string[] {
  const entries: string[] = [];
  for (let index = 62; index < 127; index++) {
    try {
      entries.push(...decoder.decode(Buffer.from([0x80 | index]), 0, 1).fields);
    } catch (error) {
      assert.ok(error instanceof HpackError);
      return entries;
    }
  }
  return entries;
}

function skip(decoder: HpackDecoder, bytes: Buffer, pieceBytes: number): void {
  const skipper = decoder.skip();
  for (let at = 0; at < bytes.length; at += pieceBytes) skipper.push(bytes.subarray(at, at + pieceBytes));
  skipper.end();
}

describe("BlockSkipper", () => {
  it("leaves the table as decoding would, wherever the block is cut", () => {
    const text = fc.string({ maxLength: 40 }).map((s) => s.replaceAll(/[^ -~]/g, "x"));
    const fields = fc.oneof(
      fc.record({ name: text, value: text, representation: fc.constantFrom(0x40, 0x00, 0x10) }).map((field) => ({
        bytes: literal(field.representation, field.name, field.value),
      })),
      fc.constantFrom(1_500, 5_000, 8_000).map((count) => ({ bytes: huffmanZeros(0x40, count) })),
      fc.constantFrom(3_000, 5_000, 20_000).map((length) => ({ bytes: literal(0x40, "v".repeat(length), "w") })),
      fc.constantFrom(3_000, 20_000).map((length) => ({ bytes: literal(0x40, "n", "v".repeat(length)) })),
      fc.constant({ bytes: Buffer.from([0x82, 0x58, 0x02, 0x61, 0x62]) }),
    );
    fc.assert(
      fc.property(
        fc.array(fields, { maxLength: 12 }),
        fc.boolean(),
        fc.integer({ min: 1, max: 700 }),
        (list, resizes, cut) => {
          const bytes = Buffer.concat([
            Buffer.from(resizes ? [0x3f, 0xe1, 0x07] : []),
            ...list.map((field) => field.bytes),
          ]);
          const first = literal(0x40, "first", "entry");
          const [decoded, skipped] = [newDecoder(), newDecoder()];
          for (const decoder of [decoded, skipped]) decoder.decode(first, 0, first.length);
          decoded.decode(bytes, 0, bytes.length);
          skip(skipped, bytes, cut);
          assert.deepEqual(tableOf(skipped), tableOf(decoded));
        },
      ),
      { numRuns: 300 },
    );
  });

  it("tells the decoder that the table has changed", () => {
    const decoder = newDecoder();
    const before = decoder.changes;
    skip(decoder, block("a", "b"), 1);
    assert.equal(decoder.changes, before);
    skip(decoder, literal(0x40, "a", "b"), 1);
    assert.notEqual(decoder.changes, before);
  });

  const broken: Record<string, string> = {
    "the index 0": "80",
    "an index beyond the tables": "be",
    "a name index beyond the tables": "7f000161",
    "a literal whose name index is beyond the tables": "0f800161",
    "a literal whose value is missing": "000161",
    "a string longer than the block": "00056162",
    "an integer that never ends": "ffffffffffffffff",
    "an integer that is cut off": "ff80",
    "a table size above ours": "3fe21f",
    "a table size update after a field": "8220",
    "a new entry whose Huffman code is none": "400161821fff",
  };
  for (const [what, hex] of Object.entries(broken)) {
    for (const pieceBytes of [1, 100]) {
      it(`refuses ${what}, in pieces of ${pieceBytes}`, () => {
        assert.throws(() => skip(newDecoder(), Buffer.from(hex, "hex"), pieceBytes), HpackError);
      });
    }
  }
});
