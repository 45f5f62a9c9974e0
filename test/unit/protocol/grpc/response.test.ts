import assert from "node:assert/strict";
import { test } from "node:test";
import { Code } from "@connectrpc/connect";
import type { Failure } from "../../../../src/base/errors.ts";
import { grpc } from "../../../../src/protocol/grpc/grpc.ts";
import { MessageMemory } from "../../../../src/protocol/message-memory.ts";
import type { ResponseReader } from "../../../../src/protocol/protocol.ts";
import { pickInfo } from "../../../support/fake-pool.ts";
import { framed } from "../../../support/framed.ts";

const { method } = pickInfo;
const headers = ["content-type", "application/grpc"];

function reader(): ResponseReader {
  return grpc.reader(method, { readMaxBytes: 10, messageMemory: new MessageMemory() }, "10.0.0.1:1");
}

/** gRPC's status is never compressed. */
function endOf(response: ResponseReader, trailers: readonly string[]): Failure | undefined {
  const failure = response.readEnd(trailers, { onMessage: () => assert.fail("no message comes with the trailers") });
  assert.ok(!(failure instanceof Promise));
  return failure;
}

function readAll(response: ResponseReader, bytes: Uint8Array) {
  const messages: Uint8Array[] = [];
  const failure = response.readBody(bytes, 0, bytes.length, { onMessage: (_, payload) => messages.push(payload) > 0 });
  return { messages, failure };
}

test("a response is its headers, its messages and the status in its trailers", () => {
  const response = reader();
  assert.deepEqual([response.headers, response.trailers, response.messageStarted], [[], [], false]);
  assert.equal(response.readHead(200, headers), undefined);
  const { messages, failure } = readAll(response, framed(Buffer.from("abc")));
  assert.deepEqual([messages.map(String), failure], [["97,98,99"], undefined]);
  assert.equal(endOf(response, ["grpc-status", "0", "x", "1"]), undefined);
  assert.deepEqual([response.headers, response.trailers], [headers, ["grpc-status", "0", "x", "1"]]);
});

test("a status that came with the headers counts where no message and no trailers follow", () => {
  const response = reader();
  response.readHead(200, [...headers, "grpc-status", "5", "grpc-message", "gone"]);
  const failure = endOf(response, []);
  assert.deepEqual([failure?.kind, failure?.code, failure?.message], ["status", Code.NotFound, "gone"]);
  assert.equal(failure?.address, "10.0.0.1:1");
  assert.deepEqual(failure?.wire?.metadata, [...headers, "grpc-status", "5", "grpc-message", "gone"]);
});

test("a message above the limit ends the reading with what Connect says of it", () => {
  const response = reader();
  response.readHead(200, headers);
  const { messages, failure } = readAll(response, framed(new Uint8Array(11)));
  assert.deepEqual(messages, []);
  assert.deepEqual(
    [failure?.kind, failure?.code, failure?.message],
    ["message-size", Code.ResourceExhausted, "message size 11 is larger than configured readMaxBytes 10"],
  );
});

test("a response that ends within a message, or without a status, is broken", () => {
  const cut = reader();
  cut.readHead(200, headers);
  readAll(cut, framed(Buffer.from("abc")).subarray(0, 6));
  assert.match(endOf(cut, ["grpc-status", "0"])?.message ?? "", /ended within a message/);
  const silent = reader();
  silent.readHead(200, headers);
  assert.match(endOf(silent, [])?.message ?? "", /missing status/);
});

test("a pushback is a wait, or a stop where it is none", () => {
  const pushbacks = { "250": 250, "0": 0, "-1": "stop", soon: "stop", "2147483648": "stop", "12345678901": "stop" };
  for (const [text, pushback] of Object.entries(pushbacks)) {
    const response = reader();
    response.readHead(200, headers);
    endOf(response, ["grpc-status", "14", "grpc-retry-pushback-ms", text]);
    assert.equal(response.pushback, pushback, text);
  }
  assert.equal(reader().pushback, undefined);
});

test("the head says formats and encodings, and an attempt adds its deadline and those before it", () => {
  const { path, fields } = grpc.head({
    method,
    path: "/a.Service/Method",
    userAgent: "me/1",
    messageFormat: "json",
    sendEncoding: "gzip",
    acceptEncodings: ["gzip", "br"],
  });
  assert.equal(path, "/a.Service/Method");
  assert.deepEqual(fields, [
    ...["content-type", "application/grpc+json", "te", "trailers", "user-agent", "me/1"],
    ...["grpc-encoding", "gzip", "grpc-accept-encoding", "gzip,br"],
  ]);
  const metadata = ["x", "1"];
  assert.equal(grpc.attemptFields(metadata, undefined, Number.POSITIVE_INFINITY, 0), metadata);
  assert.deepEqual(grpc.attemptFields(metadata, ["y", "2"], 1_500, 2), [
    ...["x", "1", "y", "2", "grpc-timeout", "1500m", "grpc-previous-rpc-attempts", "2"],
  ]);
});
