import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { FloodGuard } from "../../../../src/http2/wire/flood-guard.ts";
import {
  type FloodKind,
  floodLimits,
  headerBlockMaxBytes,
  keptBlockMaxBytes,
  maxContinuations,
} from "../../../../src/http2/wire/limits.ts";
import { ManualClock } from "../../../support/manual-clock.ts";

function take(guard: FloodGuard, kind: FloodKind, count: number): number {
  let allowed = 0;
  for (let i = 0; i < count; i++) if (guard.allows(kind)) allowed++;
  return allowed;
}

describe("FloodGuard", () => {
  for (const kind of Object.keys(floodLimits) as FloodKind[]) {
    it(`allows a burst of ${floodLimits[kind].what}, and then as many as time earns`, () => {
      const clock = new ManualClock();
      const guard = new FloodGuard(clock, { sentFrames: 0, sentBytes: 0 });
      const { burst, perSecond } = floodLimits[kind];
      assert.equal(take(guard, kind, burst + 10), burst);
      clock.stall(1_000);
      assert.equal(take(guard, kind, perSecond + 10), perSecond);
      clock.stall(1_000_000);
      assert.equal(take(guard, kind, 2 * burst), burst);
    });
  }

  it("allows answers to our own traffic at any rate", () => {
    const sent = { sentFrames: 0, sentBytes: 0 };
    const guard = new FloodGuard(new ManualClock(), sent);
    for (let i = 0; i < 100_000; i++) {
      sent.sentFrames += 2;
      assert.ok(guard.allows("windowUpdate"));
      assert.ok(guard.allows("windowUpdate"));
      assert.ok(guard.allows("ping"));
    }
  });

  it("allows credit for each read of a server, even of the prefix of small messages that share a frame", () => {
    const sent = { sentFrames: 1, sentBytes: 0 };
    const guard = new FloodGuard(new ManualClock(), sent);
    for (let i = 0; i < 100_000; i++) {
      sent.sentBytes += 5 + 20;
      // Two reads, of the prefix and of the message; for each the stream gets credit, and the connection.
      for (let update = 0; update < 4; update++) assert.ok(guard.allows("windowUpdate"));
    }
  });
});

describe("limits on header blocks", () => {
  it("are 8 CONTINUATION frames however short they are, and as many as it takes where they carry something", () => {
    assert.equal(maxContinuations(0), 8);
    assert.equal(maxContinuations(8), 8);
    assert.ok(maxContinuations(2 ** 20) * 1_024 >= 2 ** 20);
  });

  it("are 16 MiB by default, of which 9 frames are kept, and grow with maxHeaderListBytes", () => {
    assert.equal(headerBlockMaxBytes(65_536), 2 ** 24);
    assert.ok(keptBlockMaxBytes(65_536) <= 9 * 16_384);
    assert.ok(headerBlockMaxBytes(2 ** 24) > keptBlockMaxBytes(2 ** 24));
    assert.ok(keptBlockMaxBytes(2 ** 24) > 2 ** 24);
  });
});
