import assert from "node:assert/strict";
import { test } from "node:test";
import { Code } from "@connectrpc/connect";
import fc from "fast-check";
import { grpcWeb } from "../../../../src/protocol/grpc-web/grpc-web.ts";
import { readTrailerBlock } from "../../../../src/protocol/grpc-web/trailer-block.ts";
import { MessageMemory } from "../../../../src/protocol/message-memory.ts";
import type { ResponseReader } from "../../../../src/protocol/protocol.ts";
import { pickInfo } from "../../../support/fake-pool.ts";
import { framed } from "../../../support/framed.ts";

const headers = ["content-type", "application/grpc-web+proto"];

function reader(): ResponseReader {
  const settings = {
    messageFormat: "proto",
    useHttpGet: false,
    inflateEnd: async (encoding: string | undefined, bytes: Uint8Array) => {
      if (encoding === undefined) throw new Error("no encoding");
      return bytes.map((byte) => byte ^ 1);
    },
  } as const;
  const limits = { readMaxBytes: 100, messageMemory: new MessageMemory() };
  const response = grpcWeb(settings).reader(pickInfo.method, limits, "10.0.0.1:1");
  return response;
}

const noMessages = { onMessage: () => assert.fail("no message was sent") };

function trailersOf(text: string, flag = 0x80): Uint8Array {
  const bytes = framed(Buffer.from(text, "latin1"));
  bytes[0] = flag;
  return bytes;
}

test("the last message of the body is the trailers", () => {
  const response = reader();
  assert.equal(response.readHead(200, headers), undefined);
  const messages: string[] = [];
  const listener = { onMessage: (_: number, payload: Uint8Array) => messages.push(String(payload)) > 0 };
  const body = Buffer.concat([framed(Buffer.from("a")), trailersOf("grpc-status: 0\r\nX-A: 1\r\n")]);
  // Cut anywhere.
  for (let at = 0; at < body.length; at++) assert.equal(response.readBody(body, at, at + 1, listener), undefined);
  assert.equal(response.readEnd([], listener), undefined);
  assert.deepEqual([messages, response.trailers], [["97"], ["grpc-status", "0", "x-a", "1"]]);
});

test("trailers alone are no message: the call may be repeated", () => {
  const response = reader();
  response.readHead(200, headers);
  const block = trailersOf("grpc-status:14\r\ngrpc-retry-pushback-ms:7");
  response.readBody(block, 0, block.length, noMessages);
  const failure = response.readEnd([], noMessages);
  assert.ok(failure !== undefined && !(failure instanceof Promise));
  assert.deepEqual([failure.kind, failure.code], ["status", Code.Unavailable]);
  assert.deepEqual([response.messageStarted, response.pushback], [false, 7]);
});

test("a status in the headers counts where there is no body", () => {
  const response = reader();
  response.readHead(200, [...headers, "grpc-status", "5"]);
  const failure = response.readEnd([], noMessages);
  assert.ok(failure !== undefined && !(failure instanceof Promise));
  assert.equal(failure.code, Code.NotFound);
});

test("compressed trailers are inflated, and said to be unreadable where that fails", async () => {
  const flipped = Buffer.from("grpc-status: 5").map((byte) => byte ^ 1);
  const block = trailersOf(Buffer.from(flipped).toString("latin1"), 0x81);
  const good = reader();
  good.readHead(200, [...headers, "grpc-encoding", "flip"]);
  good.readBody(block, 0, block.length, noMessages);
  assert.equal((await good.readEnd([], noMessages))?.code, Code.NotFound);
  const bad = reader();
  bad.readHead(200, headers);
  bad.readBody(block, 0, block.length, noMessages);
  const failure = await bad.readEnd([], noMessages);
  assert.deepEqual([failure?.kind, failure?.message], ["encoding", "the trailers cannot be read: no encoding"]);
});

test("a response that ends before its trailers has no status", () => {
  const response = reader();
  response.readHead(200, headers);
  const block = trailersOf("grpc-status: 0");
  response.readBody(block, 0, block.length - 1, noMessages);
  const failure = response.readEnd(["grpc-status", "0"], noMessages);
  assert.ok(failure !== undefined && !(failure instanceof Promise));
  assert.match(failure.message, /missing status/);
});

test("lines of a trailer block are fields, whatever ends them; others are not", () => {
  assert.deepEqual(readTrailerBlock(Buffer.from("a:1\nB : 2 \r\n\r\nno field\r\n:3\r\nc:\r\n")), [
    ...["a", "1", "b", "2", "c", ""],
  ]);
  fc.assert(
    fc.property(fc.uint8Array(), (bytes) => {
      const fields = readTrailerBlock(bytes);
      assert.equal(fields.length % 2, 0);
    }),
  );
});
