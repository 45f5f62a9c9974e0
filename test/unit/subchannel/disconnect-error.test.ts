import assert from "node:assert/strict";
import { test } from "node:test";
import { connectionFailure } from "../../../src/base/errors.ts";
import { goawayLabel } from "../../../src/http2/error-codes.ts";
import { disconnectErrorOf } from "../../../src/subchannel/disconnect-error.ts";

const lost = (cause?: unknown) => ({ ...connectionFailure("connection-lost", "a:1", "unknown", "lost"), cause });
const withCode = (code: string) => Object.assign(new Error(code), { code });

for (const [failure, expected] of [
  [lost(withCode("ECONNRESET")), "connection reset"],
  [lost(withCode("EPIPE")), "connection reset"],
  [lost(withCode("ETIMEDOUT")), "connection timed out"],
  [connectionFailure("ping-timeout", "a:1", "unknown", "silent"), "connection timed out"],
  [lost(withCode("ECONNABORTED")), "connection aborted"],
  [lost(withCode("EHOSTUNREACH")), "socket error"],
  [lost(), "unknown"],
  [undefined, "unknown"],
] as const) {
  test(`a connection lost by ${(failure?.cause as Error | undefined)?.message ?? failure?.kind ?? "nothing known"} counts as "${expected}"`, () => {
    assert.equal(disconnectErrorOf(failure), expected);
  });
}

test("a GOAWAY counts by the name of its code, and one without a name as unknown: a peer cannot invent labels", () => {
  assert.equal(goawayLabel(11), "GOAWAY ENHANCE_YOUR_CALM");
  assert.equal(goawayLabel(0xdead), "GOAWAY unknown");
});
