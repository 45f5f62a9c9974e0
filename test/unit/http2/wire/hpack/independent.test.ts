// Our HPACK against two implementations that others wrote: npm's hpack.js, block by block on one connection, and
// nghttp2, which is node:http2's.
import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer, type ServerHttp2Stream } from "node:http2";
import type { AddressInfo } from "node:net";
import { describe, it } from "node:test";
import fc from "fast-check";
import type { MethodHead } from "../../../../../src/http2/connection.ts";
import { HpackDecoder } from "../../../../../src/http2/wire/hpack/decoder.ts";
import { HpackEncoder } from "../../../../../src/http2/wire/hpack/encoder.ts";
import { HuffmanDecoder } from "../../../../../src/http2/wire/hpack/huffman.ts";
import { checkForLeaks } from "../../../../support/leaks.ts";
import { connectTo, emptyMessage, RecordingListener, RecordingOwner, testEnd, wireEngine } from "../engine.ts";
import { type HpackField, HpackJsDecoder, HpackJsEncoder } from "./hpack-js.ts";

checkForLeaks();

/** The same runs every time: what fails here fails again. */
const runs = { seed: 7541, numRuns: 500 };

const secrets = ["authorization", "cookie", "proxy-authorization"];

/** Names of the static table among them, so that every representation occurs. */
const name = fc.oneof(
  fc.constantFrom("accept", "content-type", "date", "location", "vary", "grpc-status", "x-trace-bin", ...secrets),
  fc.stringMatching(/^[a-z][a-z0-9-]{0,40}$/),
);
/** Every byte, and lengths whose encoding takes one, two and three bytes. */
const value = fc
  .oneof(
    { weight: 8, arbitrary: fc.uint8Array({ maxLength: 60 }) },
    { weight: 1, arbitrary: fc.uint8Array({ minLength: 120, maxLength: 300 }) },
    { weight: 1, arbitrary: fc.nat(5_000).map((length) => new Uint8Array(length).fill(0x61)) },
  )
  .map((bytes) => Buffer.from(bytes).toString("latin1"));
const metadata = fc.array(fc.tuple(name, value), { maxLength: 6 }).map((pairs) => pairs.flat());
/** Fields that come again and again, so that they are found in the table. */
const repeated: readonly HpackField[] = [
  { name: ":status", value: "200" },
  { name: "content-type", value: "application/grpc" },
  { name: "x-request", value: "kept in the table" },
  { name: "x-request", value: "kept too" },
  { name: "server", value: "s".repeat(200) },
];
const tableBytes = fc.constantFrom(0, 33, 100, 300, 1_000, 4_095);

const constant = [":method", "POST", ":scheme", "http", ":authority", "echo.test:50051"];

function methodHead(index: number): MethodHead {
  const fields = ["content-type", "application/grpc", "te", "trailers", "user-agent", "glink/0"];
  return { path: `/a.B/${"M".repeat(1 + index * 40)}`, fields: [...fields, "cookie", `kept=${index}`] };
}

function namesAndValues(fields: readonly HpackField[]): string[] {
  return fields.flatMap((field) => [field.name, field.value]);
}

describe("HpackEncoder", () => {
  it("means to hpack.js what it means to us, over the blocks of a connection, whatever the peer's table", () => {
    const step = fc.oneof(
      { weight: 5, arbitrary: fc.record({ call: fc.nat(5), own: metadata }) },
      { weight: 1, arbitrary: fc.record({ resize: fc.oneof(tableBytes, fc.constantFrom(4_096, 65_536)) }) },
    );
    fc.assert(
      fc.property(fc.array(step, { maxLength: 30 }), (steps) => {
        const heads = Array.from({ length: 6 }, (_, index) => methodHead(index));
        const encoder = new HpackEncoder("http", "echo.test:50051");
        const oracle = new HpackJsDecoder();
        let announcedBytes = 4_096;
        for (const action of steps) {
          if ("resize" in action) {
            announcedBytes = action.resize;
            encoder.resize(announcedBytes);
            continue;
          }
          const head = heads[action.call] as MethodHead;
          const prefix = encoder.head(head);
          const block = Buffer.alloc(prefix.length + encoder.bound(action.own));
          block.set(prefix);
          const fields = oracle.decode(block.subarray(0, encoder.write(action.own, block, prefix.length)));
          assert.deepEqual(namesAndValues(fields), [...constant, ":path", head.path, ...head.fields, ...action.own]);
          for (const field of fields) assert.equal(field.neverIndex, secrets.includes(field.name), field.name);
          assert.ok(oracle.table.maxSize <= announcedBytes, "the table is no larger than the peer's");
        }
      }),
      runs,
    );
  });
});

describe("HpackDecoder", () => {
  it("reads what hpack.js writes, over the blocks of a connection, in every representation", () => {
    const field = fc.record({
      name,
      value,
      huffman: fc.boolean(),
      incremental: fc.boolean(),
      neverIndex: fc.boolean(),
    });
    const header = fc.array(fc.oneof(field, fc.constantFrom(...repeated)), { maxLength: 12 });
    const step = fc.oneof(
      { weight: 5, arbitrary: fc.record({ header }) },
      { weight: 1, arbitrary: fc.record({ resize: tableBytes }) },
    );
    fc.assert(
      fc.property(fc.array(step, { maxLength: 30 }), (steps) => {
        const oracle = new HpackJsEncoder();
        const decoder = new HpackDecoder(new HuffmanDecoder(), { maxBytes: 2 ** 20, maxFields: 1_000 });
        for (const action of steps) {
          if ("resize" in action) {
            oracle.resize(action.resize);
            continue;
          }
          const block = oracle.encode(action.header);
          const { fields, tooLarge } = decoder.decode(block, 0, block.length);
          assert.deepEqual(fields, namesAndValues(action.header));
          assert.equal(tooLarge, false);
        }
      }),
      runs,
    );
  });

  it("and the encoder agree with nghttp2, over the calls of a connection", async () => {
    // Every request's own fields come back as response headers.
    const server = createServer();
    server.on("stream", (stream: ServerHttp2Stream, _: unknown, __: unknown, rawHeaders: string[]) => {
      const own = rawHeaders.slice(rawHeaders.indexOf("glink/0") + 1);
      const pairs = own.flatMap((text, i) => (i % 2 === 0 ? [[text, own[i + 1] as string]] : []));
      stream.respond({ ":status": 200, ...Object.fromEntries(pairs) }, { endStream: true });
    });
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    const owner = new RecordingOwner();
    const connection = await connectTo(wireEngine, (server.address() as AddressInfo).port, owner);
    try {
      // What HTTP allows in a value, and no name twice: node:http2 would join them.
      const text = fc.stringMatching(/^[!-~]([ -~]{0,60}[!-~])?$/);
      const fields = fc.uniqueArray(fc.tuple(fc.stringMatching(/^x-[a-z0-9-]{0,8}$/), text), {
        selector: ([key]) => key,
        maxLength: 8,
      });
      const head = { path: "/a.B/C", fields: ["content-type", "application/grpc", "user-agent", "glink/0"] };
      await fc.assert(
        fc.asyncProperty(fields, async (pairs) => {
          const listener = new RecordingListener();
          connection.request(head, pairs.flat(), emptyMessage, listener);
          assert.equal(await listener.closed, undefined);
          const date = listener.headers.at(-1);
          assert.deepEqual(listener.headers, [":status", "200", ...pairs.flat(), "date", date]);
        }),
        runs,
      );
    } finally {
      connection.close(testEnd);
      await owner.closed;
      server.close();
      await once(server, "close");
    }
  });
});
