import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { HpackError } from "../../../../../src/http2/wire/hpack/block-cursor.ts";
import { HpackDecoder } from "../../../../../src/http2/wire/hpack/decoder.ts";
import { HuffmanDecoder } from "../../../../../src/http2/wire/hpack/huffman.ts";
import { block } from "../raw-peer.ts";

const limits = { maxBytes: 65_536, maxFields: 1_000 };

function newDecoder(custom: Partial<typeof limits> = {}): HpackDecoder {
  return new HpackDecoder(new HuffmanDecoder(), { ...limits, ...custom });
}

function decode(decoder: HpackDecoder, hex: string): readonly string[] {
  const bytes = Buffer.from(hex.replaceAll(" ", ""), "hex");
  return decoder.decode(bytes, 0, bytes.length).fields;
}

const get = [":method", "GET", ":scheme", "http", ":path", "/", ":authority", "www.example.com"];
const getNoCache = [...get, "cache-control", "no-cache"];
const getIndex = [
  ...[":method", "GET", ":scheme", "https", ":path", "/index.html", ":authority", "www.example.com"],
  ...["custom-key", "custom-value"],
];
const found = [
  ...[":status", "302", "cache-control", "private", "date", "Mon, 21 Oct 2013 20:13:21 GMT"],
  ...["location", "https://www.example.com"],
];
const again = [":status", "307", ...found.slice(2)];
const cookie = "foo=ASDJKHQKBZXOQWEOPIUAXQWEOIU; max-age=3600; version=1";
const ok = [
  ...[":status", "200", "cache-control", "private", "date", "Mon, 21 Oct 2013 20:13:22 GMT"],
  ...["location", "https://www.example.com", "content-encoding", "gzip", "set-cookie", cookie],
];

/** RFC 7541 appendix C: blocks of one connection each, in order, and what they mean. */
const examples: Record<string, [hex: string, fields: string[]][]> = {
  "C.2.1 literal with indexing": [
    ["400a 6375 7374 6f6d 2d6b 6579 0d63 7573 746f 6d2d 6865 6164 6572", ["custom-key", "custom-header"]],
  ],
  "C.2.2 literal without indexing": [["040c 2f73 616d 706c 652f 7061 7468", [":path", "/sample/path"]]],
  "C.2.3 literal never indexed": [["1008 7061 7373 776f 7264 0673 6563 7265 74", ["password", "secret"]]],
  "C.2.4 indexed": [["82", [":method", "GET"]]],
  "C.3 requests": [
    ["8286 8441 0f77 7777 2e65 7861 6d70 6c65 2e63 6f6d", get],
    ["8286 84be 5808 6e6f 2d63 6163 6865", getNoCache],
    ["8287 85bf 400a 6375 7374 6f6d 2d6b 6579 0c63 7573 746f 6d2d 7661 6c75 65", getIndex],
  ],
  "C.4 requests with Huffman coding": [
    ["8286 8441 8cf1 e3c2 e5f2 3a6b a0ab 90f4 ff", get],
    ["8286 84be 5886 a8eb 1064 9cbf", getNoCache],
    ["8287 85bf 4088 25a8 49e9 5ba9 7d7f 8925 a849 e95b b8e8 b4bf", getIndex],
  ],
};

/** C.5 and C.6 have a table of 256 bytes, so that entries are evicted: `3fe1 01` sets it. */
const small = "3fe1 01";
examples["C.5 responses"] = [
  [
    `${small} 4803 3330 3258 0770 7269 7661 7465 611d 4d6f 6e2c 2032 3120 4f63 7420 3230 3133 2032 303a 3133 3a32
     3120 474d 546e 1768 7474 7073 3a2f 2f77 7777 2e65 7861 6d70 6c65 2e63 6f6d`.replaceAll(/\s/g, ""),
    found,
  ],
  ["4803 3330 37c1 c0bf", again],
  [
    `88c1 611d 4d6f 6e2c 2032 3120 4f63 7420 3230 3133 2032 303a 3133 3a32 3220 474d 54c0 5a04 677a 6970 7738 666f
     6f3d 4153 444a 4b48 514b 425a 584f 5157 454f 5049 5541 5851 5745 4f49 553b 206d 6178 2d61 6765 3d33 3630 303b
     2076 6572 7369 6f6e 3d31`.replaceAll(/\s/g, ""),
    ok,
  ],
];
examples["C.6 responses with Huffman coding"] = [
  [
    `${small} 4882 6402 5885 aec3 771a 4b61 96d0 7abe 9410 54d4 44a8 2005 9504 0b81 66e0 82a6 2d1b ff6e 919d 29ad 1718
     63c7 8f0b 97c8 e9ae 82ae 43d3`.replaceAll(/\s/g, ""),
    found,
  ],
  ["4883 640e ffc1 c0bf", again],
  [
    `88c1 6196 d07a be94 1054 d444 a820 0595 040b 8166 e084 a62d 1bff c05a 839b d9ab 77ad 94e7 821d d7f2 e6c7 b335
     dfdf cd5b 3960 d5af 2708 7f36 72c1 ab27 0fb5 291f 9587 3160 65c0 03ed 4ee5 b106 3d50 07`.replaceAll(/\s/g, ""),
    ok,
  ],
];

describe("HpackDecoder", () => {
  for (const [name, blocks] of Object.entries(examples)) {
    it(`decodes the example ${name} of RFC 7541`, () => {
      const decoder = newDecoder();
      for (const [hex, fields] of blocks) assert.deepEqual(decode(decoder, hex), fields);
    });
  }

  const broken: Record<string, string> = {
    "the index 0": "80",
    "an index beyond the tables": "be",
    "a name index beyond the tables": "7f00 0161",
    "a literal whose value is missing": "0001 61",
    "a string longer than the block": "0005 6162",
    "an integer that never ends": "ffffffffffffffff",
    "an integer that is cut off": "ff80",
    "a table size above ours": "3fe2 1f",
    "a table size update after a field": "8220",
    "Huffman padding of a whole byte": "0082 1fff 0161",
    "Huffman padding that is not ones": "0081 18 0161",
    "the Huffman code of EOS": "0084 ffff ffff 0161",
  };
  for (const [what, hex] of Object.entries(broken)) {
    it(`refuses ${what}`, () => {
      assert.throws(() => decode(newDecoder(), hex), HpackError);
    });
  }

  it("throws nothing but HpackErrors, whatever comes", () => {
    fc.assert(
      fc.property(fc.array(fc.uint8Array({ maxLength: 200 }), { maxLength: 5 }), (blocks) => {
        const decoder = newDecoder();
        try {
          for (const bytes of blocks) {
            const { fields } = decoder.decode(Buffer.from(bytes), 0, bytes.length);
            assert.equal(fields.length % 2, 0);
          }
        } catch (error) {
          assert.ok(error instanceof HpackError, String(error));
        }
      }),
      { numRuns: 2_000 },
    );
  });

  it("keeps to the limit on a list's bytes, and keeps its table right beyond it", () => {
    const decoder = newDecoder({ maxBytes: 1_000 });
    const bytes = Buffer.concat([
      block("a", "x".repeat(900), "b", "y".repeat(900)),
      // Literal with indexing: z: zz
      Buffer.from([0x40, 1, 0x7a, 2, 0x7a, 0x7a]),
    ]);
    const { fields, tooLarge } = decoder.decode(bytes, 0, bytes.length);
    assert.equal(tooLarge, true);
    assert.deepEqual(fields, ["a", "x".repeat(900)]);
    assert.deepEqual(decode(decoder, "be"), ["z", "zz"]);
  });

  it("counts a list's fields", () => {
    const decoder = newDecoder({ maxFields: 3 });
    assert.equal(decoder.decode(Buffer.from("828282", "hex"), 0, 3).tooLarge, false);
    assert.equal(decoder.decode(Buffer.from("82828282", "hex"), 0, 4).tooLarge, true);
  });

  it("makes no strings of a bomb of references to a large entry beyond the limit, and keeps its table right", () => {
    const decoder = newDecoder();
    const entry = Buffer.concat([Buffer.from([0x40]), block("k", "v".repeat(4_000)).subarray(1)]);
    decoder.decode(entry, 0, entry.length);
    const references = (count: number) => decoder.decode(Buffer.alloc(count, 0xbe), 0, count);
    // A million of them stand for 4 GB.
    const { fields, tooLarge } = references(1_000_000);
    assert.equal(tooLarge, true);
    assert.ok(fields.length <= 32);
    assert.deepEqual(decode(decoder, "be"), ["k", "v".repeat(4_000)]);
    assert.throws(() => decoder.decode(Buffer.alloc(100_000, 0xbf), 0, 100_000), HpackError);
  });

  it("empties its table on a size update to 0, and forgets what is larger than the table", () => {
    const decoder = newDecoder();
    decode(decoder, "4001 6101 62");
    assert.throws(() => decode(decoder, "20be"), HpackError);
    const fresh = newDecoder();
    const large = Buffer.concat([Buffer.from([0x40]), block("k", "v".repeat(5_000)).subarray(1)]);
    fresh.decode(large, 0, large.length);
    assert.throws(() => decode(fresh, "be"), HpackError);
  });
});
