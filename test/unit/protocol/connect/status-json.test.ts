import assert from "node:assert/strict";
import { test } from "node:test";
import { Code } from "@connectrpc/connect";
import fc from "fast-check";
import { readEndOfStream } from "../../../../src/protocol/connect/end-of-stream.ts";
import { parseJson, readErrorJson } from "../../../../src/protocol/connect/error-json.ts";

const bytesOf = (value: unknown) => new TextEncoder().encode(typeof value === "string" ? value : JSON.stringify(value));
const endOf = (value: unknown) => readEndOfStream(bytesOf(value), Code.Unknown);

test("an error is its code by name, its message and its details", () => {
  const error = readErrorJson(
    { code: "not_found", message: "gone", details: [{ type: "a.B", value: "AQI", debug: { any: 1 } }], more: 1 },
    Code.Unknown,
  );
  assert.deepEqual(error, {
    code: Code.NotFound,
    message: "gone",
    details: [{ type: "a.B", value: Uint8Array.of(1, 2) }],
  });
});

test("each code has the name that the protocol gives it", () => {
  const names = Object.values(Code).filter((value) => typeof value === "number");
  assert.equal(names.length, 16);
  for (const code of names) {
    const name = (Code[code] as string).replaceAll(/([a-z])([A-Z])/g, "$1_$2").toLowerCase();
    assert.equal(readErrorJson({ code: name }, Code.Unknown)?.code, code, name);
  }
});

test("an error without a known code has that of its HTTP status", () => {
  for (const code of [undefined, null, 5, "NotFound", "nothing"]) {
    assert.equal(readErrorJson({ code, message: "x" }, Code.Unavailable)?.code, Code.Unavailable, String(code));
  }
});

test("details that are broken are left out, and hide nothing else", () => {
  const details = [null, 1, {}, { type: "a.B" }, { type: "a.B", value: "§" }, { type: "c.D", value: "" }];
  const error = readErrorJson({ code: "aborted", message: "x", details }, Code.Unknown);
  assert.deepEqual([error?.code, error?.message], [Code.Aborted, "x"]);
  assert.deepEqual(
    error?.details.map(({ type }) => type),
    ["c.D"],
  );
});

test("what is no error of Connect's is none", () => {
  for (const json of [undefined, null, 1, "text", [], { message: 5 }]) {
    assert.equal(readErrorJson(json, Code.Unknown), undefined, JSON.stringify(json));
  }
});

test("a stream ends with its trailers, and with an error or without", () => {
  assert.deepEqual(endOf({}), { metadata: [], error: undefined });
  assert.deepEqual(endOf({ metadata: { "X-A": ["1", "2"], b: [] }, error: null }), {
    metadata: ["x-a", "1", "x-a", "2"],
    error: undefined,
  });
  assert.equal(endOf({ error: { code: "aborted" } })?.error?.code, Code.Aborted);
});

test("what is no end of a stream is none", () => {
  for (const end of ["", "null", "[]", "{", { metadata: [] }, { metadata: { a: "1" } }, { metadata: { a: [1] } }]) {
    assert.equal(endOf(end), undefined, JSON.stringify(end));
  }
  assert.equal(endOf({ error: 5 }), undefined);
});

test("nothing that a peer sends makes the readers throw", () => {
  fc.assert(
    fc.property(fc.oneof(fc.uint8Array(), fc.json().map(bytesOf)), (bytes) => {
      readEndOfStream(bytes, Code.Unknown);
      readErrorJson(parseJson(bytes), Code.Unknown);
    }),
  );
  const likely = fc.record(
    {
      error: fc.record(
        {
          code: fc.anything(),
          message: fc.anything(),
          details: fc.array(fc.record({ type: fc.anything(), value: fc.anything() }, { requiredKeys: [] })),
        },
        { requiredKeys: [] },
      ),
      metadata: fc.dictionary(fc.string(), fc.anything()),
    },
    { requiredKeys: [] },
  );
  fc.assert(
    fc.property(likely, (end) => {
      const json = JSON.parse(JSON.stringify(end, (_, value) => (typeof value === "bigint" ? `${value}` : value)));
      endOf(json);
      const error = readErrorJson(json.error, Code.Unknown);
      if (error !== undefined) assert.ok(error.code in Code);
    }),
  );
});
