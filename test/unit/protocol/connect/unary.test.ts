import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { Body } from "../../../../src/protocol/connect/body.ts";
import { getPath } from "../../../../src/protocol/connect/get-path.ts";
import { retryAfterMs } from "../../../../src/protocol/connect/retry-after.ts";
import { splitTrailers } from "../../../../src/protocol/connect/trailer-fields.ts";
import { MessageMemory } from "../../../../src/protocol/message-memory.ts";

const path = "/a.Service/Get";

test("a GET has its message in the query: JSON as it is, all else in base64 for URLs", () => {
  const json = { path, message: Buffer.from('{"a":"ä?&"}'), messageFormat: "json", encoding: undefined } as const;
  assert.equal(getPath(json), `${path}?connect=v1&encoding=json&message=${encodeURIComponent('{"a":"ä?&"}')}`);
  const proto = { path, message: Uint8Array.of(0xfb, 0xff), messageFormat: "proto", encoding: undefined } as const;
  assert.equal(getPath(proto), `${path}?connect=v1&base64=1&encoding=proto&message=-_8`);
  assert.equal(
    getPath({ ...json, encoding: "gzip", message: Uint8Array.of(1) }),
    `${path}?connect=v1&base64=1&compression=gzip&encoding=json&message=AQ`,
  );
});

test("what a GET carries can be read again from its URL", () => {
  fc.assert(
    fc.property(fc.uint8Array(), (message) => {
      const { searchParams } = new URL(getPath({ path, message, messageFormat: "proto", encoding: "br" }), "http://a");
      assert.deepEqual(Buffer.from(searchParams.get("message") ?? "", "base64url"), Buffer.from(message));
      assert.equal(searchParams.get("compression"), "br");
    }),
  );
  fc.assert(
    fc.property(fc.json(), (text) => {
      const message = Buffer.from(text);
      const { searchParams } = new URL(
        getPath({ path, message, messageFormat: "json", encoding: undefined }),
        "http://a",
      );
      assert.equal(searchParams.get("message"), message.toString());
    }),
  );
});

test("Retry-After is a wait in seconds; a date asks for nothing, and a wait of weeks for no attempt", () => {
  const waits = { "0": 0, "3": 3_000, "2147483": 2_147_483_000, "2147484": "stop", [`1${"0".repeat(400)}`]: "stop" };
  for (const [text, wait] of Object.entries(waits)) assert.equal(retryAfterMs(text), wait, text);
  for (const text of [undefined, "", "-1", "1.5", "soon", "Fri, 31 Dec 1999 23:59:59 GMT"]) {
    assert.equal(retryAfterMs(text), undefined, text);
  }
});

test("trailers travel among the headers, under names of their own", () => {
  const plain = ["content-type", "application/json", "x", "trailer-not-a-name"];
  assert.deepEqual(splitTrailers(plain), [plain, []]);
  assert.deepEqual(splitTrailers([...plain, "trailer-x", "1", "trailer-x", "2"]), [plain, ["x", "1", "x", "2"]]);
});

test("a body is what its pieces were, though their memory is used again, whatever was announced", () => {
  const announcement = fc.option(fc.nat(300_000), { nil: undefined });
  fc.assert(
    fc.property(
      fc.array(fc.uint8Array({ maxLength: 100 })),
      fc.integer({ min: 1, max: 900 }),
      announcement,
      (pieces, times, bytes) => {
        const body = new Body(new MessageMemory(), bytes);
        const reused = Buffer.alloc(100_000);
        for (const piece of pieces) {
          const repeated = Buffer.concat(Array.from({ length: times }, () => piece));
          reused.set(repeated, 1);
          body.push(reused, 1, 1 + repeated.length);
          reused.fill(0);
        }
        const expected = Buffer.concat(pieces.flatMap((piece) => Array.from({ length: times }, () => piece)));
        assert.equal(body.length, expected.length);
        assert.ok(expected.equals(body.take()));
        assert.ok(!Buffer.isBuffer(body.take()), "slice of a Buffer shares memory");
      },
    ),
    { numRuns: 30 },
  );
});

test("an announcement alone makes a body hold next to nothing", () => {
  const body = new Body(new MessageMemory(), 2 ** 30);
  body.push(Uint8Array.of(1), 0, 1);
  assert.ok(body.take().buffer.byteLength <= 65_536);
});
