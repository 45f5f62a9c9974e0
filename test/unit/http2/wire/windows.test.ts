import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { grow, receive, refund } from "../../../../src/http2/wire/windows.ts";

describe("receive windows", () => {
  it("are never smaller than the peer believes, give every byte back, and announce by quarters", () => {
    const operations = fc.array(fc.tuple(fc.nat(40_000), fc.double({ min: 0, max: 1, noNaN: true })), {
      minLength: 100,
      maxLength: 200,
    });
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 200_000 }), operations, (full, steps) => {
        const window = { receiveWindowBytes: full, unrefundedBytes: 0 };
        let peerWindow = full;
        let held = 0;
        let announced = 0;
        let taken = 0;
        for (const [wish, share] of steps) {
          // The peer sends what it may, and the reader takes a share of what it holds.
          const sent = Math.min(wish, peerWindow);
          peerWindow -= sent;
          assert.equal(receive(window, sent), true);
          held += sent;
          const read = Math.floor(held * share);
          held -= read;
          taken += read;
          const increment = refund(window, read, full);
          if (increment > 0) assert.ok(increment * 4 >= full);
          announced += increment;
          peerWindow += increment;
          assert.ok(window.receiveWindowBytes >= peerWindow);
          assert.equal(announced + window.unrefundedBytes, taken);
          assert.equal(window.receiveWindowBytes + held + window.unrefundedBytes, full);
        }
      }),
      { numRuns: 500 },
    );
  });

  it("notice an overrun", () => {
    const window = { receiveWindowBytes: 10, unrefundedBytes: 0 };
    assert.equal(receive(window, 10), true);
    assert.equal(receive(window, 1), false);
  });

  it("announce nothing for nothing", () => {
    assert.equal(refund({ receiveWindowBytes: 0, unrefundedBytes: 0 }, 0, 0), 0);
  });
});

describe("send windows", () => {
  it("may be negative, and grow to 2^31-1 and no further", () => {
    assert.equal(grow(-100, 50), -50);
    assert.equal(grow(0, 2 ** 31 - 1), 2 ** 31 - 1);
    assert.equal(grow(1, 2 ** 31 - 1), undefined);
  });
});
