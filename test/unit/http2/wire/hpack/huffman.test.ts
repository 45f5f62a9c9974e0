import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { HuffmanDecoder, huffmanCodes } from "../../../../../src/http2/wire/hpack/huffman.ts";
import { HuffmanEncoder } from "../../../../../src/http2/wire/hpack/huffman-encoder.ts";

/** Codes as RFC 7541 appendix B prints them: of every length some, the first and the last of it among them. */
const printed: Record<number, string> = {
  0: "1111111111000",
  10: "111111111111111111111111111100",
  32: "010100",
  33: "1111111000",
  38: "11111000",
  48: "00000",
  63: "1111111100",
  64: "1111111111010",
  92: "1111111111111110000",
  97: "00011",
  116: "01001",
  122: "1111011",
  126: "1111111111101",
  127: "1111111111111111111111111100",
  128: "11111111111111100110",
  207: "1111111111111111111101101",
  220: "1111111111111111111111111101",
  255: "11111111111111111111101110",
  256: "111111111111111111111111111111",
};

function encode(text: string): Buffer {
  const codes = huffmanCodes();
  let bits = "";
  for (const byte of Buffer.from(text, "latin1")) bits += bitsOf(codes[byte]);
  bits = bits.padEnd(Math.ceil(bits.length / 8) * 8, "1");
  return Buffer.from((bits.match(/.{8}/g) ?? []).map((byte) => Number.parseInt(byte, 2)));
}

function bitsOf(entry: { code: number; bits: number } | undefined): string {
  assert.ok(entry !== undefined);
  return entry.code.toString(2).padStart(entry.bits, "0");
}

describe("Huffman coding", () => {
  it("has the codes of RFC 7541 appendix B", () => {
    const codes = huffmanCodes();
    assert.equal(codes.length, 257);
    for (const [symbol, bits] of Object.entries(printed)) {
      assert.equal(bitsOf(codes[Number(symbol)]), bits, `symbol ${symbol}`);
    }
    // A complete code: the lengths fill the tree.
    assert.equal(
      codes.reduce((sum, { bits }) => sum + 2 ** -bits, 0),
      1,
    );
  });

  it("encodes as the code says, every byte and any text", () => {
    const encoder = new HuffmanEncoder();
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), (content) => {
        const text = Buffer.from(content).toString("latin1");
        const into = Buffer.alloc(3 + encoder.bytesOf(text));
        assert.equal(encoder.write(text, into, 3), into.length);
        assert.deepEqual(into.subarray(3), encode(text));
      }),
    );
  });

  it("decodes what it encodes, every byte and any text", () => {
    const decoder = new HuffmanDecoder();
    for (let byte = 0; byte < 256; byte++) {
      const text = String.fromCharCode(byte);
      const bytes = encode(text);
      assert.equal(decoder.decode(bytes, 0, bytes.length), text);
    }
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 100 }), (content) => {
        const text = Buffer.from(content).toString("latin1");
        const bytes = encode(text);
        assert.equal(decoder.decode(bytes, 0, bytes.length), text);
      }),
    );
  });
});
