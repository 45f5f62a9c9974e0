import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import type { MethodHead } from "../../../../../src/http2/connection.ts";
import { HpackDecoder } from "../../../../../src/http2/wire/hpack/decoder.ts";
import { HpackEncoder } from "../../../../../src/http2/wire/hpack/encoder.ts";
import { HuffmanDecoder } from "../../../../../src/http2/wire/hpack/huffman.ts";

const constant = [":method", "POST", ":scheme", "http", ":authority", "echo.test:50051"];
const fields = ["content-type", "application/grpc", "te", "trailers", "user-agent", "glink/0"];

function headOf(path: string, more: readonly string[] = []): MethodHead {
  return { path, fields: [...fields, ...more] };
}

function newPair() {
  const encoder = new HpackEncoder("http", "echo.test:50051");
  const decoder = new HpackDecoder(new HuffmanDecoder(), { maxBytes: 2 ** 20, maxFields: 10_000 });
  const encode = (head: MethodHead, own: readonly string[] = []) => {
    const constantPart = encoder.head(head);
    const into = Buffer.alloc(constantPart.length + encoder.bound(own));
    into.set(constantPart);
    const end = encoder.write(own, into, constantPart.length);
    assert.ok(end <= into.length, "the bound holds");
    return into.subarray(0, end);
  };
  const roundTrip = (head: MethodHead, own: readonly string[] = []) => {
    const bytes = encode(head, own);
    const decoded = decoder.decode(bytes, 0, bytes.length).fields;
    assert.deepEqual(decoded, [...constant, ":path", head.path, ...head.fields, ...own]);
    return bytes;
  };
  return { encoder, encode, roundTrip };
}

describe("HpackEncoder", () => {
  it("spends one byte on each constant field from a method's second call on", () => {
    const { roundTrip } = newPair();
    const head = headOf("/a.B/C");
    assert.ok(roundTrip(head).length > 50);
    assert.equal(roundTrip(head).length, 7);
    assert.equal(roundTrip(head).length, 7);
  });

  it("keeps the encoded head of a method until the table changes", () => {
    const { encoder, roundTrip } = newPair();
    const first = headOf("/a.B/C");
    const second = headOf("/a.B/D");
    roundTrip(first);
    roundTrip(first);
    assert.equal(encoder.head(first), encoder.head(first));
    const kept = encoder.head(first);
    roundTrip(second);
    assert.notDeepEqual(encoder.head(first), kept);
    roundTrip(second);
    assert.equal(roundTrip(first).length, 7);
    assert.equal(roundTrip(second).length, 7);
  });

  it("never evicts: methods that find no room are literals, and the others stay one byte a field", () => {
    const { encoder, roundTrip } = newPair();
    const heads = Array.from({ length: 100 }, (_, i) => headOf(`/service.with.a.name.v1.Service/Method${i}`));
    for (let round = 0; round < 3; round++) for (const head of heads) roundTrip(head);
    assert.ok(roundTrip(heads[0] as MethodHead).length <= 2 * 7);
    assert.ok(roundTrip(heads[99] as MethodHead).length > 40);
    assert.equal(encoder.head(heads[99] as MethodHead), encoder.head(heads[99] as MethodHead));
  });

  it("writes what a call adds as literals that no table keeps, and secrets as never indexed", () => {
    const { encode } = newPair();
    const head = headOf("/a.B/C");
    encode(head);
    const bytes = encode(head, ["grpc-timeout", "1S", "authorization", "Bearer abc", "cookie", "a=b"]);
    const own = bytes.subarray(7);
    // RFC 7541 §6.2.2: 0000 for a literal without indexing, §6.2.3: 0001 for one that is never indexed.
    assert.equal(own[0], 0x00);
    assert.equal((own[2 + "grpc-timeout".length + 3] as number) & 0xf0, 0x10);
    const atCookie = own.length - "a=b".length - 3;
    assert.equal((own[atCookie] as number) & 0xf0, 0x10);
    // Index 32 is "cookie": 15 and 17 more.
    assert.deepEqual([...own.subarray(atCookie, atCookie + 2)], [0x1f, 17]);
  });

  it("never puts a secret into the table, even where it is constant", () => {
    const { roundTrip } = newPair();
    const head = headOf("/a.B/C", ["authorization", "Bearer abc"]);
    roundTrip(head);
    assert.ok(roundTrip(head).includes("Bearer abc"));
  });

  it("follows the peer's table size down to 0 and up again, and says so in the next block", () => {
    const { encoder, roundTrip } = newPair();
    const head = headOf("/a.B/C");
    roundTrip(head);
    roundTrip(head);
    encoder.resize(0);
    const bytes = roundTrip(head);
    assert.deepEqual([...bytes.subarray(0, 2)], [0x20, 0x20]);
    assert.ok(roundTrip(head).length > 50);
    encoder.resize(65_536);
    // Back to what it was before anybody said anything: 4096, written as 31 and 4065 more.
    assert.deepEqual([...roundTrip(head).subarray(0, 4)], [0x20, 0x3f, 0xe1, 0x1f]);
    assert.equal(roundTrip(head).length, 7);
    encoder.resize(4_096);
    assert.equal(roundTrip(head).length, 7);
  });

  it("means the same to a decoder, whatever the methods, the metadata and the table sizes", () => {
    const name = fc.stringMatching(/^[a-z][a-z0-9-]{0,12}$/);
    const value = fc.uint8Array({ maxLength: 80 }).map((bytes) => Buffer.from(bytes).toString("latin1"));
    const metadata = fc.array(fc.tuple(name, value), { maxLength: 6 }).map((pairs) => pairs.flat());
    const step = fc.oneof(
      fc.record({ call: fc.nat(5), metadata }),
      fc.record({ resize: fc.constantFrom(0, 40, 100, 300, 4_096, 10_000) }),
    );
    fc.assert(
      fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
        const { encoder, roundTrip } = newPair();
        const heads = Array.from({ length: 6 }, (_, i) => headOf(`/a.B/M${"x".repeat(i * 30)}`));
        for (const action of steps) {
          if ("resize" in action) encoder.resize(action.resize);
          else roundTrip(heads[action.call] as MethodHead, action.metadata);
        }
      }),
    );
  });
});
