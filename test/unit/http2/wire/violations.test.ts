import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { Code } from "@connectrpc/connect";
import { checkForLeaks } from "../../../support/leaks.ts";
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
  padded,
  response,
  rstFrame,
  settingsFrame,
  uint32,
  windowUpdateFrame,
} from "./raw-peer.ts";
import { withScene } from "./wire-peer.ts";

checkForLeaks();

const protocolError = 1;
const flowControlError = 3;
const streamClosed = 5;
const frameSizeError = 6;
const compressionError = 9;

const eight = Buffer.alloc(8);
const answered = headersFrame(1, okHead);

/** What a peer does on stream 1 that is that stream's end alone: RST_STREAM with the code, and what the call is told. */
const streamViolations: Record<string, [frames: Buffer[], code: number, message: RegExp]> = {
  "DATA before HEADERS": [[dataFrame(1, eight)], protocolError, /DATA before HEADERS/],
  "a response without :status": [[headersFrame(1, block("x-a", "1"))], protocolError, /without :status/],
  "a :status that is no number": [[headersFrame(1, block(":status", "ok"))], protocolError, /valid :status/],
  "a :status behind other headers": [
    [headersFrame(1, block("x-a", "1", ":status", "200"))],
    protocolError,
    /begin with a valid :status/,
  ],
  "two of :status": [
    [headersFrame(1, block(":status", "200", ":status", "200"))],
    protocolError,
    /pseudo-header ":status"/,
  ],
  "a request's pseudo-header": [
    [headersFrame(1, block(":status", "200", ":path", "/"))],
    protocolError,
    /pseudo-header ":path"/,
  ],
  "a header name in upper case": [
    [headersFrame(1, block(":status", "200", "X-Upper", "1"))],
    protocolError,
    /"X-Upper".*lower case/,
  ],
  "a header name with a space": [
    [headersFrame(1, block(":status", "200", "x y", "1"))],
    protocolError,
    /invalid header name "x y"/,
  ],
  "an empty header name": [
    [headersFrame(1, block(":status", "200", "", "1"))],
    protocolError,
    /invalid header name ""/,
  ],
  "a line break in a value": [
    [headersFrame(1, block(":status", "200", "x-a", "1\r\nx-b: 2"))],
    protocolError,
    /line break/,
  ],
  "a NUL in a value": [[headersFrame(1, block(":status", "200", "x-a", "\0"))], protocolError, /NUL/],
  "a connection header": [
    [headersFrame(1, block(":status", "200", "connection", "close"))],
    protocolError,
    /header connection/,
  ],
  "transfer-encoding": [
    [headersFrame(1, block(":status", "200", "transfer-encoding", "chunked"))],
    protocolError,
    /header transfer-encoding/,
  ],
  "a pseudo-header in trailers": [
    [answered, headersFrame(1, block(":status", "200"), endHeaders | endStream)],
    protocolError,
    /pseudo-header ":status" in trailers/,
  ],
  "trailers that do not end the stream": [
    [answered, headersFrame(1, okTrailers)],
    protocolError,
    /second header block that does not end/,
  ],
  "an interim response that ends the stream": [
    [headersFrame(1, block(":status", "100"), endHeaders | endStream)],
    protocolError,
    /ended the stream with an interim/,
  ],
  "status 101": [[headersFrame(1, block(":status", "101"))], protocolError, /status 101/],
  "less than its content-length": [
    [headersFrame(1, block(":status", "200", "content-length", "9")), dataFrame(1, eight, endStream)],
    protocolError,
    /content-length of 9 and sent 8/,
  ],
  "more than its content-length": [
    [headersFrame(1, block(":status", "200", "content-length", "7")), dataFrame(1, eight)],
    protocolError,
    /more than its content-length of 7/,
  ],
  "a content-length that trailers contradict": [
    [
      headersFrame(1, block(":status", "200", "content-length", "9")),
      headersFrame(1, okTrailers, endHeaders | endStream),
    ],
    protocolError,
    /content-length of 9 and sent 0/,
  ],
  "a content-length that is no number": [
    [headersFrame(1, block(":status", "200", "content-length", "-1"))],
    protocolError,
    /invalid content-length/,
  ],
  "two content-lengths": [
    [headersFrame(1, block(":status", "200", "content-length", "1", "content-length", "2"))],
    protocolError,
    /invalid content-length/,
  ],
  "a WINDOW_UPDATE of 0": [[windowUpdateFrame(1, 0)], protocolError, /WINDOW_UPDATE of 0/],
  "a window above 2^31-1": [[windowUpdateFrame(1, 2 ** 31 - 1)], flowControlError, /window above/],
  "a PRIORITY frame of 4 bytes": [[frame(frameTypes.priority, 0, 1, uint32(0))], frameSizeError, /PRIORITY frame of 4/],
};

/** What ends the connection: GOAWAY with the code, and what its calls are told. */
const connectionViolations: Record<string, [frames: Buffer[], code: number, message: RegExp]> = {
  "DATA on stream 0": [[dataFrame(0, eight)], protocolError, /DATA on stream 0/],
  "HEADERS on stream 0": [[headersFrame(0, okHead)], protocolError, /HEADERS on stream 0/],
  "RST_STREAM on stream 0": [[rstFrame(0, 8)], protocolError, /RST_STREAM on stream 0/],
  "PRIORITY on stream 0": [[frame(frameTypes.priority, 0, 0, Buffer.alloc(5))], protocolError, /PRIORITY on stream 0/],
  "SETTINGS on a stream": [[frame(frameTypes.settings, 0, 1)], protocolError, /SETTINGS on stream 1/],
  "PING on a stream": [[frame(frameTypes.ping, 0, 1, eight)], protocolError, /PING on stream 1/],
  "GOAWAY on a stream": [[frame(frameTypes.goaway, 0, 1, eight)], protocolError, /GOAWAY on stream 1/],
  "DATA on an idle stream": [[dataFrame(9, eight)], protocolError, /DATA on the idle stream 9/],
  "HEADERS on an idle stream": [[headersFrame(9, okHead)], protocolError, /HEADERS on the idle stream 9/],
  "RST_STREAM on an idle stream": [[rstFrame(9, 8)], protocolError, /RST_STREAM on the idle stream 9/],
  "WINDOW_UPDATE on an idle stream": [[windowUpdateFrame(9, 1)], protocolError, /WINDOW_UPDATE on the idle stream 9/],
  "HEADERS on an even stream": [[headersFrame(2, okHead)], protocolError, /idle stream 2/],
  PUSH_PROMISE: [
    [frame(frameTypes.pushPromise, endHeaders, 1, Buffer.concat([uint32(2), okHead]))],
    protocolError,
    /PUSH_PROMISE although push is disabled/,
  ],
  "CONTINUATION on its own": [
    [frame(frameTypes.continuation, endHeaders, 1, okHead)],
    protocolError,
    /without HEADERS/,
  ],
  "DATA within a header block": [
    [headersFrame(1, okHead, 0), dataFrame(1, eight)],
    protocolError,
    /DATA on stream 1 within/,
  ],
  "CONTINUATION of another stream": [
    [headersFrame(1, okHead, 0), frame(frameTypes.continuation, endHeaders, 3, okHead)],
    protocolError,
    /CONTINUATION on stream 3 within the header block of stream 1/,
  ],
  "a frame above 16384 bytes": [[dataFrame(1, Buffer.alloc(16_385))], frameSizeError, /DATA frame of 16385 bytes/],
  "a PING of 7 bytes": [[frame(frameTypes.ping, 0, 0, Buffer.alloc(7))], frameSizeError, /PING frame of 7/],
  "a PRIORITY frame of 4 bytes on a stream that is not open": [
    [frame(frameTypes.priority, 0, 9, uint32(0))],
    frameSizeError,
    /PRIORITY frame of 4/,
  ],
  "a RST_STREAM of 5 bytes": [
    [frame(frameTypes.rstStream, 0, 1, Buffer.alloc(5))],
    frameSizeError,
    /RST_STREAM frame of 5/,
  ],
  "a WINDOW_UPDATE of 3 bytes": [
    [frame(frameTypes.windowUpdate, 0, 1, Buffer.alloc(3))],
    frameSizeError,
    /WINDOW_UPDATE frame of 3/,
  ],
  "a GOAWAY of 7 bytes": [[frame(frameTypes.goaway, 0, 0, Buffer.alloc(7))], frameSizeError, /GOAWAY frame of 7/],
  "SETTINGS of 5 bytes": [[frame(frameTypes.settings, 0, 0, Buffer.alloc(5))], frameSizeError, /SETTINGS frame of 5/],
  "a SETTINGS ACK with a payload": [
    [frame(frameTypes.settings, 1, 0, Buffer.alloc(6))],
    frameSizeError,
    /ACK with a payload/,
  ],
  "SETTINGS_ENABLE_PUSH 1": [[settingsFrame([2, 1])], protocolError, /ENABLE_PUSH 1/],
  "SETTINGS_INITIAL_WINDOW_SIZE 2^31": [[settingsFrame([4, 2 ** 31])], flowControlError, /INITIAL_WINDOW_SIZE/],
  "SETTINGS_MAX_FRAME_SIZE 16383": [[settingsFrame([5, 16_383])], protocolError, /MAX_FRAME_SIZE 16383/],
  "SETTINGS_MAX_FRAME_SIZE 2^24": [[settingsFrame([5, 2 ** 24])], protocolError, /MAX_FRAME_SIZE/],
  "SETTINGS that take a stream's window above 2^31-1": [
    [windowUpdateFrame(1, 2 ** 30), settingsFrame([4, 2 ** 31 - 1])],
    flowControlError,
    /INITIAL_WINDOW_SIZE/,
  ],
  "a WINDOW_UPDATE of 0 for the connection": [[windowUpdateFrame(0, 0)], protocolError, /0 for the connection/],
  "a window above 2^31-1 for the connection": [[windowUpdateFrame(0, 2 ** 31 - 1)], flowControlError, /window above/],
  "DATA padding longer than its frame": [
    [answered, frame(frameTypes.data, padded, 1, Buffer.from([9, 0, 0]))],
    protocolError,
    /padding is longer/,
  ],
  "HEADERS padding longer than its frame": [
    [headersFrame(1, Buffer.from([9, 0, 0]), endHeaders | padded)],
    protocolError,
    /shorter than its padding/,
  ],
  "headers that are no HPACK": [[headersFrame(1, Buffer.from([0x80]))], compressionError, /cannot be decoded/],
  "headers whose Huffman code is broken": [
    [headersFrame(1, Buffer.from([0x00, 0x81, 0x18, 0x01, 0x61]))],
    compressionError,
    /Huffman/,
  ],
  "DATA on a stream that it had ended": [[response(1), dataFrame(1, eight)], streamClosed, /which it had ended/],
  "HEADERS on a stream that it had ended": [[response(1), headersFrame(1, okHead)], streamClosed, /which it had ended/],
};

describe("a violation of one stream by the peer", () => {
  for (const [what, [frames, code, message]] of Object.entries(streamViolations)) {
    it(`resets the stream and spares the connection: ${what}`, async () => {
      await withScene(async ({ peer, first, second }) => {
        peer.send(...frames);
        const failure = await first.closed;
        assert.equal(failure?.code, Code.Internal);
        assert.equal(failure?.kind, "protocol");
        assert.equal(failure?.progress, "unknown");
        assert.match(failure?.message ?? "", message);
        assert.match(failure?.address ?? "", /^127\.0\.0\.1:/);
        const { payload } = await peer.frame(frameTypes.rstStream, 1);
        assert.equal(payload.readUInt32BE(0), code);
        peer.send(response(3));
        assert.equal(await second.closed, undefined);
      });
    });
  }

  it("spares the connection when a header list is too large: ResourceExhausted for that call", async () => {
    await withScene(
      async ({ peer, first, second }) => {
        peer.send(headersFrame(1, block(":status", "200", "x-large", "v".repeat(3_000))));
        const failure = await first.closed;
        assert.equal(failure?.code, Code.ResourceExhausted);
        assert.match(failure?.message ?? "", /maxHeaderListBytes/);
        await peer.frame(frameTypes.rstStream, 1);
        peer.send(response(3));
        assert.equal(await second.closed, undefined);
      },
      { maxHeaderListBytes: 2_000 },
    );
  });

  it("answers DATA on a stream that the peer itself had reset with STREAM_CLOSED", async () => {
    await withScene(async ({ peer, first, second }) => {
      peer.send(rstFrame(1, 8), dataFrame(1, eight));
      assert.equal((await first.closed)?.code, Code.Canceled);
      const { payload } = await peer.frame(frameTypes.rstStream, 1);
      assert.equal(payload.readUInt32BE(0), streamClosed);
      peer.send(response(3));
      assert.equal(await second.closed, undefined);
    });
  });
});

describe("a violation of the connection by the peer", () => {
  for (const [what, [frames, code, message]] of Object.entries(connectionViolations)) {
    it(`ends it with GOAWAY, and its calls at once: ${what}`, async () => {
      await withScene(async ({ peer, connection, owner, second }) => {
        peer.send(...frames);
        const failure = await second.closed;
        assert.equal(failure?.code, Code.Unavailable);
        assert.equal(failure?.kind, "connection-error");
        assert.equal(failure?.progress, "unknown");
        assert.match(failure?.message ?? "", message);
        await owner.closed;
        assert.equal(owner.failure?.kind, "connection-error");
        assert.equal(connection.hasRoom, false);
        const { payload } = await peer.frame(frameTypes.goaway);
        assert.equal(payload.readUInt32BE(4), code);
        await peer.ended;
      });
    });
  }

  it("is told before the next frame of the same chunk", async () => {
    await withScene(async ({ peer, first, second }) => {
      peer.send(dataFrame(0, eight), response(1), response(3), goawayFrame(0, 0));
      assert.equal((await first.closed)?.kind, "connection-error");
      assert.equal((await second.closed)?.kind, "connection-error");
      assert.deepEqual(first.events, ["closed"]);
    });
  });
});
