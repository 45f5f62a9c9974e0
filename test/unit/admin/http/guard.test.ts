import assert from "node:assert/strict";
import { test } from "node:test";
import { refusal } from "../../../../src/admin/http/guard.ts";

/** The status with which a request is refused. */
function statusOf(headers: Record<string, string>, method = "GET", hosts: readonly string[] = []): number | undefined {
  return refusal({ method, path: "/", header: (name) => headers[name] }, new Set(hosts))?.status;
}

test("a name that a site may have made its own is refused, and so is none", () => {
  for (const host of [
    "evil.test",
    "localhost.evil.test",
    "127.0.0.1.evil.test",
    "evil.test:9901",
    "[::1].evil.test",
    "",
  ]) {
    assert.equal(statusOf({ host }), 403, host);
  }
  assert.equal(statusOf({}), 403);
});

test("localhost and addresses are taken, with and without a port", () => {
  for (const host of [
    "localhost",
    "localhost:9901",
    "LOCALHOST:1",
    "a.localhost",
    "127.0.0.1",
    "10.1.2.3:9901",
    "[::1]:9901",
  ]) {
    assert.equal(statusOf({ host }), undefined, host);
  }
});

test("names of the option hosts are taken, whatever their case and port", () => {
  assert.equal(statusOf({ host: "OPS.example.com:80" }, "GET", ["ops.example.com"]), undefined);
  assert.equal(statusOf({ host: "ops.example.com.", ":authority": "x" }, "GET", ["ops.example.com"]), undefined);
  assert.equal(statusOf({ host: "ops2.example.com" }, "GET", ["ops.example.com"]), 403);
});

test("HTTP/2 says the host in :authority", () => {
  assert.equal(statusOf({ ":authority": "127.0.0.1:9901" }), undefined);
  assert.equal(statusOf({ ":authority": "evil.test" }), 403);
});

test("another site may be followed from, and may not fetch, embed or frame", () => {
  const host = "127.0.0.1";
  assert.equal(statusOf({ host, "sec-fetch-site": "cross-site" }), 403);
  const from = { host, "sec-fetch-site": "cross-site", "sec-fetch-mode": "navigate" };
  assert.equal(statusOf({ ...from, "sec-fetch-dest": "iframe" }), 403);
  assert.equal(statusOf({ ...from, "sec-fetch-dest": "document" }), undefined);
  assert.equal(statusOf({ host, "sec-fetch-site": "same-origin" }), undefined);
  assert.equal(statusOf({ host, "sec-fetch-site": "none" }), undefined);
});

test("what could change something is refused", () => {
  for (const method of ["POST", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE"]) {
    assert.equal(statusOf({ host: "localhost" }, method), 405, method);
  }
  assert.equal(statusOf({ host: "localhost" }, "HEAD"), undefined);
});
