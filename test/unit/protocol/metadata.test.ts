import assert from "node:assert/strict";
import { test } from "node:test";
import { Code, ConnectError } from "@connectrpc/connect";
import { grpc } from "../../../src/protocol/grpc/grpc.ts";
import { readMetadata } from "../../../src/protocol/metadata.ts";

function read(init: HeadersInit | undefined) {
  return readMetadata(init, grpc.ownNames);
}

test("headers are read from an object, pairs and Headers alike", () => {
  const expected = ["x-a", "1", "x-b", "2"];
  assert.deepEqual(read({ "X-A": "1", "x-b": " 2 " }).fields, expected);
  assert.deepEqual(read([["x-a", "1"], ["X-B", "2"]]).fields, expected); // biome-ignore format: pairs
  assert.deepEqual(read(new Headers({ "x-a": "1", "x-b": "2" })).fields, expected);
  assert.deepEqual(read(undefined).fields, []);
});

test("a name given twice is joined, as Headers joins it", () => {
  const pairs: [string, string][] = [
    ["authorization", "one"],
    ["x", "1"],
    ["Authorization", "two"],
  ];
  assert.deepEqual(read(pairs).fields, ["authorization", "one, two", "x", "1"]);
});

test("names that the protocol owns are ignored, and the user agent is taken aside", () => {
  const { fields, userAgent } = read({
    "Content-Type": "text/html",
    te: "gzip",
    "grpc-timeout": "1S",
    "grpc-encoding": "br",
    "grpc-accept-encoding": "br",
    "grpc-previous-rpc-attempts": "7",
    "content-length": "3",
    connection: "keep-alive",
    host: "elsewhere",
    "transfer-encoding": "chunked",
    upgrade: "h2c",
    "user-agent": "mine/1",
    "x-own": "1",
  });
  assert.deepEqual(fields, ["x-own", "1"]);
  assert.equal(userAgent, "mine/1");
});

test("__proto__ and constructor are names like any other", () => {
  const { fields } = read([["__proto__", "a"], ["constructor", "b"]]); // biome-ignore format: pairs
  assert.deepEqual(fields, ["__proto__", "a", "constructor", "b"]);
  assert.deepEqual(read(Object.create({ inherited: "x" }) as Record<string, string>).fields, []);
});

test("64 KB of spaces within a value are part of it, and stop nobody", () => {
  // With a pattern for those at the end it took more than a minute.
  const spaces = " ".repeat(65_536);
  assert.deepEqual(read([["x-wide", `\t\r\n a${spaces}b \n`]]).fields, ["x-wide", `a${spaces}b`]);
  assert.deepEqual(read([["x-empty", spaces]]).fields, ["x-empty", ""]);
});

test("what HTTP/2 cannot carry is InvalidArgument and names the header", () => {
  const bad: [string, string][] = [
    ["", "x"],
    ["a b", "x"],
    [":path", "x"],
    ["naïve", "x"],
    ["line\nbreak", "x"],
    ["x-crlf", "a\r\nevil: 1"],
    ["x-nul", "a\0b"],
    ["x-euro", "€"],
    ["x-bell", "\x07"],
  ];
  for (const [name, value] of bad) {
    assert.throws(
      () => read([[name, value]]),
      (error) =>
        error instanceof ConnectError &&
        error.code === Code.InvalidArgument &&
        (error.message.includes(JSON.stringify(name)) || error.message.includes(`"${name}"`)),
      name,
    );
  }
  assert.deepEqual(read({ "x-latin1": "\xe4\xff\tz" }).fields, ["x-latin1", "\xe4\xff\tz"]);
});
