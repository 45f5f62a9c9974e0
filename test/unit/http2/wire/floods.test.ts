import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { Code } from "@connectrpc/connect";
import { maxInterimResponses } from "../../../../src/http2/limits.ts";
import { floodLimits, strayHeadersUnitBytes } from "../../../../src/http2/wire/limits.ts";
import { systemHold } from "../../../../src/runtime/process-hold.ts";
import { checkForLeaks } from "../../../support/leaks.ts";
import { SocketsManualClock } from "../../../support/manual-clock.ts";
import { constantRandom } from "../../../support/random.ts";
import { emptyMessage, head, RecordingListener } from "./engine.ts";
import {
  block,
  dataFrame,
  endHeaders,
  endStream,
  frame,
  frameTypes,
  goawayFrame,
  headersFrame,
  okHead,
  okTrailers,
  response,
  rstFrame,
  settingsFrame,
  uint32,
  windowUpdateFrame,
} from "./raw-peer.ts";
import { type Scene, withScene } from "./wire-peer.ts";

checkForLeaks();

/** Time stands still, so that a flood is one whatever the machine does. */
async function withStillScene(test: (scene: Scene) => Promise<void>): Promise<void> {
  const hold = systemHold();
  hold.acquire();
  try {
    await withScene(test, {}, { runtime: { clock: new SocketsManualClock(), random: constantRandom(), hold } });
  } finally {
    hold.release();
    hold.close();
  }
}

const eight = Buffer.alloc(8);
const begun = headersFrame(1, okHead);
/** `k` with 4 000 bytes, which the table keeps: the index 62 finds it. */
const tableEntry = Buffer.concat([Buffer.from([0x40]), block("k", "v".repeat(4_000)).subarray(1)]);

/** One unit of a flood, what must come before it, and how many units are one too many. */
const floods: Record<string, { before?: Buffer; unit: Buffer; limit: number; message: RegExp }> = {
  "PING frames": { unit: frame(frameTypes.ping, 0, 0, eight), limit: floodLimits.ping.burst, message: /PING/ },
  "SETTINGS frames": { unit: settingsFrame(), limit: floodLimits.settings.burst, message: /SETTINGS/ },
  "SETTINGS acknowledgements": {
    unit: frame(frameTypes.settings, 1, 0),
    limit: floodLimits.settings.burst,
    message: /SETTINGS/,
  },
  // Each spares every open call.
  "GOAWAY frames": { unit: goawayFrame(2 ** 31 - 1, 0), limit: floodLimits.goaway.burst, message: /GOAWAY frames/ },
  "header blocks on a closed stream": {
    before: rstFrame(1, 8),
    unit: headersFrame(1, block("k", "v".repeat(16_000))),
    limit: Math.ceil((floodLimits.strayHeaders.burst * strayHeadersUnitBytes) / 16_000),
    message: /header blocks on closed streams/,
  },
  "references to a large field of the table": {
    before: headersFrame(1, Buffer.concat([okHead, tableEntry])),
    // 16 000 of them, 64 MB in all.
    unit: headersFrame(1, Buffer.alloc(16_000, 0xbe)),
    limit: Math.ceil((floodLimits.strayHeaders.burst * strayHeadersUnitBytes) / 16_000),
    message: /header blocks on closed streams/,
  },
  "WINDOW_UPDATE frames of 1 byte": {
    unit: windowUpdateFrame(1, 1),
    limit: floodLimits.windowUpdate.burst,
    message: /WINDOW_UPDATE/,
  },
  "PRIORITY frames": {
    unit: frame(frameTypes.priority, 0, 1, Buffer.alloc(5)),
    limit: floodLimits.ignored.burst,
    message: /mean nothing/,
  },
  "unknown frames": { unit: frame(0xee, 0, 0), limit: floodLimits.ignored.burst, message: /mean nothing/ },
  "empty DATA frames": {
    before: begun,
    unit: dataFrame(1, Buffer.alloc(0)),
    limit: floodLimits.emptyData.burst,
    message: /empty DATA/,
  },
  "DATA frames of 1 byte": {
    before: begun,
    unit: dataFrame(1, Buffer.alloc(1)),
    limit: floodLimits.tinyData.burst,
    message: /a few bytes/,
  },
  "RST_STREAM frames": { unit: rstFrame(1, 8), limit: floodLimits.stray.burst, message: /closed streams/ },
  "CONTINUATION frames": {
    before: headersFrame(1, Buffer.alloc(0), 0),
    unit: frame(frameTypes.continuation, 0, 1),
    limit: 8,
    message: /CONTINUATION frames/,
  },
};

describe("a flood", () => {
  for (const [what, { before, unit, limit, message }] of Object.entries(floods)) {
    it(`of ${what} ends the connection with ENHANCE_YOUR_CALM, and its calls at once`, async () => {
      await withStillScene(async ({ peer, connection, owner, second }) => {
        if (before !== undefined) peer.send(before);
        // Twice the limit, and what our own few frames earn.
        const batch = Buffer.concat(Array.from({ length: 100 }, () => unit));
        for (let sent = 0; sent < 2 * limit + 400; sent += 100) peer.send(batch);
        const failure = await second.closed;
        assert.equal(failure?.code, Code.Unavailable);
        assert.match(failure?.message ?? "", message);
        await owner.closed;
        assert.equal(connection.hasRoom, false);
        const { payload } = await peer.frame(frameTypes.goaway);
        assert.equal(payload.readUInt32BE(4), 11);
      });
    });
  }

  it("of header bytes fails its call before they are kept, and ends the connection at 16 MiB", async () => {
    await withStillScene(async ({ peer, first, second }) => {
      const piece = frame(frameTypes.continuation, 0, 1, Buffer.alloc(16_384));
      peer.send(headersFrame(1, Buffer.alloc(16_384), 0), ...Array.from({ length: 9 }, () => piece));
      const failure = await first.closed;
      assert.equal(failure?.code, Code.ResourceExhausted);
      assert.match(failure?.message ?? "", /larger than maxHeaderListBytes 65536/);
      assert.deepEqual(second.events, []);
      peer.send(...Array.from({ length: 1_024 }, () => piece));
      const lost = await second.closed;
      assert.deepEqual([lost?.kind, lost?.code], ["connection-error", Code.Unavailable]);
      assert.match(lost?.message ?? "", /too many header bytes/);
    });
  });

  it("of references to a large field of the table fails its own call, and leaves the others their connection", async () => {
    await withStillScene(async ({ peer, first, second }) => {
      peer.send(headersFrame(1, Buffer.concat([okHead, tableEntry])), headersFrame(1, Buffer.alloc(16_000, 0xbe)));
      assert.equal((await first.closed)?.code, Code.ResourceExhausted);
      peer.send(response(3));
      assert.equal(await second.closed, undefined);
    });
  });

  it("of PINGs whose answers are not read ends when too many wait", async () => {
    // Time flies, so that the rate is no matter, and the peer reads nothing.
    const clock = new SocketsManualClock();
    const hold = systemHold();
    hold.acquire();
    try {
      await withScene(
        async ({ peer, connection, second }) => {
          peer.socket.pause();
          connection.request(head, [], Buffer.alloc(8_000_000), new RecordingListener());
          peer.send(windowUpdateFrame(0, 20_000_000), windowUpdateFrame(5, 20_000_000));
          const pings = Buffer.concat(Array.from({ length: 50 }, () => frame(frameTypes.ping, 0, 0, eight)));
          let failed = false;
          second.closed.then(() => {
            failed = true;
          });
          for (let sent = 0; !failed && sent < 100_000; sent += 50) {
            clock.stall(1_000);
            peer.send(pings);
            await new Promise((resolve) => setImmediate(resolve));
          }
          assert.match((await second.closed)?.message ?? "", /does not read the answers/);
          peer.socket.resume();
        },
        {},
        { runtime: { clock, random: constantRandom(), hold } },
      );
    } finally {
      hold.release();
      hold.close();
    }
  });

  it("is not a window of small messages that is under way when its stream is cancelled", async () => {
    await withStillScene(async ({ peer, connection, second }) => {
      const listener = new RecordingListener();
      const stream = connection.request(head, [], emptyMessage, listener);
      listener.on = (event) => {
        if (event === "data") stream?.reset(8);
      };
      await peer.frame(frameTypes.headers, 5);
      const messages = Array.from({ length: Math.floor(2 ** 20 / 20) }, () => dataFrame(5, Buffer.alloc(20)));
      peer.send(headersFrame(5, okHead), Buffer.concat(messages), response(3));
      assert.equal(await second.closed, undefined);
      assert.deepEqual(listener.events, ["headers", "data"]);
    });
  });

  for (const [what, body] of [
    ["of two bytes", Buffer.alloc(2)],
    ["without bytes", Buffer.alloc(0)],
  ] as const) {
    it(`is not prefix and body ${what} in frames of their own, at any rate`, async () => {
      await withStillScene(async ({ peer, first, second }) => {
        const message = Buffer.concat([dataFrame(1, Buffer.from([0, 0, 0, 0, body.length])), dataFrame(1, body)]);
        const batch = Buffer.concat(Array.from({ length: 1_000 }, () => message));
        peer.send(headersFrame(1, okHead));
        for (let sent = 0; sent < 100; sent++) peer.send(batch);
        peer.send(headersFrame(1, okTrailers, endHeaders | endStream), response(3));
        assert.equal(await first.closed, undefined);
        assert.equal(first.body.length, 100_000 * (5 + body.length));
        assert.equal(await second.closed, undefined);
      });
    });
  }

  it("is not a window of small messages that is under way on a stream whose headers were malformed", async () => {
    await withStillScene(async ({ peer, first, second }) => {
      const messages = Array.from({ length: 20_000 }, () => dataFrame(1, Buffer.alloc(5)));
      peer.send(headersFrame(1, block(":status", "none")), Buffer.concat(messages), response(3));
      assert.equal((await first.closed)?.kind, "protocol");
      assert.equal(await second.closed, undefined);
    });
  });

  it("of interim responses begins above the limit, and not at it, and ends its own stream alone", async () => {
    await withStillScene(async ({ peer, connection, first, second }) => {
      const interim = (id: number) => headersFrame(id, block(":status", "100"));
      const allowed = (id: number) => Array.from({ length: maxInterimResponses }, () => interim(id));
      peer.send(...allowed(1), response(1));
      assert.equal(await first.closed, undefined);
      const other = new RecordingListener();
      connection.request(head, [], emptyMessage, other);
      await peer.frame(frameTypes.headers, 5);
      peer.send(...allowed(3), interim(3), response(3), response(5));
      const failure = await second.closed;
      assert.deepEqual([failure?.kind, failure?.code], ["protocol", Code.ResourceExhausted]);
      assert.match(failure?.message ?? "", /too many interim responses/);
      assert.equal(await other.closed, undefined);
      assert.deepEqual((await peer.frame(frameTypes.rstStream, 3)).payload, uint32(11));
    });
  });

  it("is not what an honest server does: 8 CONTINUATION frames, and answers to a thousand calls", async () => {
    await withStillScene(async ({ peer, connection, first }) => {
      peer.send(headersFrame(1, okHead.subarray(0, 1), 0));
      for (let i = 1; i < 8; i++) peer.send(frame(frameTypes.continuation, 0, 1, okHead.subarray(i, i + 1)));
      peer.send(frame(frameTypes.continuation, endHeaders, 1, okHead.subarray(8)));
      for (let i = 0; i < 1_000; i++) {
        const listener = new RecordingListener();
        connection.request(head, [], emptyMessage, listener);
        const id = 5 + 2 * i;
        await peer.frame(frameTypes.headers, id);
        const ping = frame(frameTypes.ping, 0, 0, eight);
        peer.send(ping, windowUpdateFrame(0, 5), windowUpdateFrame(id, 5), response(id), rstFrame(id, 0));
        assert.equal(await listener.closed, undefined);
        peer.frames.length = 0;
      }
      assert.deepEqual(first.events, ["headers"]);
    });
  });
});
