import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { timeoutHeader } from "../../../../src/protocol/grpc/timeout.ts";

const unitMs = { m: 1, S: 1_000, M: 60_000, H: 3_600_000 };

test("grpc-timeout is in the finest unit that fits 8 digits", () => {
  assert.equal(timeoutHeader(1), "1m");
  assert.equal(timeoutHeader(0.2), "1m");
  assert.equal(timeoutHeader(99_999_999), "99999999m");
  assert.equal(timeoutHeader(100_000_000), "100000S");
  assert.equal(timeoutHeader(2 ** 31), "2147484S");
  assert.equal(timeoutHeader(1e9), "1000000S");
  assert.equal(timeoutHeader(1e12), "16666667M");
});

test("a call that is late already still sends a valid timeout", () => {
  assert.equal(timeoutHeader(0), "1m");
  assert.equal(timeoutHeader(-5), "1m");
});

test("grpc-timeout has at most 8 digits and is never before our own deadline, unless it is the largest there is", () => {
  fc.assert(
    fc.property(fc.double({ min: 0, max: 1e18, noNaN: true }), (ms) => {
      const header = timeoutHeader(ms);
      const [, digits = "", unit] = /^(\d{1,8})([HMSm])$/.exec(header) ?? [];
      assert.notEqual(digits, "");
      const headerMs = Number(digits) * unitMs[unit as keyof typeof unitMs];
      assert.ok(headerMs >= ms || header === "99999999H");
    }),
  );
});
