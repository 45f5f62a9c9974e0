import assert from "node:assert/strict";
import { test } from "node:test";
import { Code } from "@connectrpc/connect";
import fc from "fast-check";
import { grpcContentType, headFailure, percentDecode, readStatus } from "../../../../src/protocol/grpc/status.ts";
import { codeFromHttpStatus } from "../../../../src/protocol/http-status.ts";

function statusOf(fields: readonly string[]) {
  const result = readStatus(fields, [], "127.0.0.1:1");
  return result.found ? (result.failure ?? "ok") : "missing";
}

/** google.rpc.Status { code: 5, message: "gone", details: [Any(x.y.Z, 01)] }. */
const richStatus = Buffer.concat([
  Uint8Array.of(0x08, 5, 0x12, 4),
  Buffer.from("gone"),
  Uint8Array.of(0x1a, 10, 0x0a, 5),
  Buffer.from("x.y.Z"),
  Uint8Array.of(0x12, 1, 1),
]).toString("base64");

test("grpc-status 0 is success, and each other code is itself", () => {
  assert.equal(statusOf(["grpc-status", "0"]), "ok");
  for (let code = 1; code <= 16; code++) {
    const failure = statusOf(["grpc-status", String(code), "grpc-message", "no%20luck"]);
    assert.ok(typeof failure === "object");
    assert.equal(failure.code, code);
    assert.equal(failure.message, "no luck");
  }
});

test("a status that is no code is Internal and says what came", () => {
  for (const text of ["", "00", "-1", "abc", "17", "99", "1.0", "1e0", " 1", "constructor", "4294967297"]) {
    const failure = statusOf(["grpc-status", text]);
    assert.ok(typeof failure === "object", text);
    assert.equal(failure.code, Code.Internal);
    assert.equal(failure.message, `invalid grpc-status: ${text}`);
  }
});

test("without a status the answer is that it is missing", () => {
  assert.equal(statusOf([]), "missing");
  assert.equal(statusOf(["grpc-message", "lost"]), "missing");
});

test("of a status given twice the first counts", () => {
  const failure = statusOf(["grpc-status", "5", "grpc-status", "0"]);
  assert.ok(typeof failure === "object");
  assert.equal(failure.code, Code.NotFound);
});

test("details come with their type and bytes, and go before grpc-status", () => {
  const failure = statusOf(["grpc-status", "13", "grpc-message", "x", "grpc-status-details-bin", richStatus]);
  assert.ok(typeof failure === "object");
  assert.equal(failure.code, Code.NotFound);
  assert.equal(failure.message, "gone");
  assert.deepEqual(failure.wire?.details, [{ type: "x.y.Z", value: Uint8Array.of(1) }]);
});

test("broken details leave the status as it is", () => {
  for (const bin of ["", "!!!", "AAA", richStatus.slice(0, 7), Buffer.from([0x1a, 0xff]).toString("base64")]) {
    const failure = statusOf(["grpc-status", "7", "grpc-message", "no", "grpc-status-details-bin", bin]);
    assert.ok(typeof failure === "object", bin);
    assert.equal(failure.code, Code.PermissionDenied);
    assert.equal(failure.message, "no");
    assert.equal(statusOf(["grpc-status", "0", "grpc-status-details-bin", bin]), "ok");
  }
});

test("broken percent-encodings stay readable", () => {
  assert.equal(percentDecode("100%"), "100%");
  assert.equal(percentDecode("%ZZ and %20"), "%ZZ and  ");
  assert.equal(percentDecode("%C3%A4"), "ä");
  assert.equal(percentDecode("%C3"), "\ufffd");
  assert.equal(percentDecode("a%FFb"), "a\ufffdb");
  assert.equal(percentDecode("%E2%82%AC%"), "€%");
});

test("reading a status never throws, whatever the fields are", () => {
  const text = fc.oneof(
    fc.string(),
    fc.string({ unit: "binary" }),
    fc.base64String(),
    fc.constantFrom("0", "%", "%c3"),
  );
  const name = fc.constantFrom("grpc-status", "grpc-message", "grpc-status-details-bin", "__proto__", "constructor");
  fc.assert(
    fc.property(fc.array(fc.tuple(name, text), { maxLength: 6 }), (fields) => {
      statusOf(fields.flat());
    }),
  );
});

test("HTTP statuses map to codes as gRPC says", () => {
  const codes = { 400: Code.Internal, 401: Code.Unauthenticated, 403: Code.PermissionDenied, 404: Code.Unimplemented };
  for (const [status, code] of Object.entries(codes)) assert.equal(codeFromHttpStatus(Number(status)), code);
  for (const status of [429, 502, 503, 504]) assert.equal(codeFromHttpStatus(status), Code.Unavailable);
  for (const status of [0, 204, 301, 418, 500, 600]) assert.equal(codeFromHttpStatus(status), Code.Unknown);
});

test("a head is gRPC's with status 200 and one of its content types", () => {
  const accepted = [
    "application/grpc",
    "application/grpc+proto",
    "application/grpc+json",
    "application/grpc+json; charset=utf-8",
    "Application/gRPC+proto",
  ];
  for (const type of accepted) assert.equal(headFailure(200, ["content-type", type], "", grpcContentType), undefined);
  for (const type of ["text/html", "application/grpc-web", "application/grpcx", "application/json", ""]) {
    assert.match(
      headFailure(200, ["content-type", type], "", grpcContentType)?.message ?? "",
      /unsupported content type/,
    );
  }
  assert.match(headFailure(200, [], "", grpcContentType)?.message ?? "", /\(none\)/);
  assert.equal(headFailure(503, ["content-type", "text/html"], "", grpcContentType)?.code, Code.Unavailable);
});

test("a status of gRPC's own counts, whatever HTTP says, and an HTML page has none", () => {
  const status = ["grpc-status", "8", "grpc-message", "full"];
  const failure = (...fields: string[]) => headFailure(503, fields, "", grpcContentType);
  const { code, message } = failure("content-type", "application/grpc", ...status) ?? {};
  assert.deepEqual([code, message], [Code.ResourceExhausted, "full"]);
  const others = [["application/grpc"], ["text/html", ...status], ["application/grpc", "grpc-status", "0"]];
  for (const one of others) assert.equal(failure("content-type", ...one)?.kind, "http-status");
});
