import {
  floodLimits,
  headerBlockMaxBytes,
  maxContinuations,
  strayHeadersUnitBytes,
} from "../../../src/http2/wire/limits.ts";
import {
  block,
  dataFrame,
  endHeaders,
  frame,
  frameTypes,
  goawayFrame,
  headersFrame,
  okHead,
  rstFrame,
  settingsFrame,
  uint32,
  windowUpdateFrame,
} from "../../unit/http2/wire/raw-peer.ts";
import type { Flood } from "./hostile-peer.ts";

/** A flood, and how the calls on its connection may end. */
export interface NamedFlood extends Flood {
  readonly id: string;
  readonly what: string;
  /** The code of the client's GOAWAY: ENHANCE_YOUR_CALM unless it says otherwise. */
  readonly goawayCode?: number;
  /** What the calls say that the connection's end took with it. */
  readonly message: RegExp;
  /** Codes of calls that the flood's first frames ended on their own, before the connection. */
  readonly alone?: readonly string[];
}

const { continuation, ping, priority, pushPromise } = frameTypes;
const none = Buffer.alloc(0);
const protocolError = 1;

/** Blocks of 16 KB on a stream that the flood's first one has ended. */
const strayBlocks = {
  limit: (floodLimits.strayHeaders.burst * strayHeadersUnitBytes) / 16_384,
  message: /header blocks on closed streams/,
};

/** Blocks of 100 KB, of which the first fails its call. */
const bombs = {
  limit: (floodLimits.strayHeaders.burst * strayHeadersUnitBytes) / 100_000,
  message: /header blocks on closed streams/,
  alone: ["ResourceExhausted"],
};

/** A block in HEADERS and as many CONTINUATION frames as it takes. */
function wholeBlock(streamId: number, bytes: Buffer): Buffer {
  const parts: Buffer[] = [];
  for (let at = 0; at < bytes.length; at += 16_384) {
    const flags = at + 16_384 >= bytes.length ? endHeaders : 0;
    const piece = bytes.subarray(at, at + 16_384);
    parts.push(at === 0 ? headersFrame(streamId, piece, flags) : frame(continuation, flags, streamId, piece));
  }
  return Buffer.concat(parts);
}

/** `k` with 4 000 bytes into the table, where the index 62 then finds it. */
const tableEntry = Buffer.concat([Buffer.from([0x40]), block("k", "v".repeat(4_000)).subarray(1)]);

/** A literal whose value is 16 000 bytes of the Huffman code of "0", five bits each. */
const huffmanField = Buffer.concat([Buffer.from([0x00, 1, 0x6b, 0xff, 0x81, 0x7c]), Buffer.alloc(16_000)]);

const begun = (streamId: number) => headersFrame(streamId, okHead);

/** M01 to M15 of the catalogue of hostile peers, and M26 in its quickest form. */
export const floods: readonly NamedFlood[] = [
  {
    id: "M01",
    what: "CONTINUATION frames without an end",
    before: (id) => headersFrame(id, none, 0),
    goesOn: true,
    unit: (id) => frame(continuation, 0, id, Buffer.alloc(1)),
    limit: maxContinuations(0),
    message: /CONTINUATION frames/,
    alone: ["ResourceExhausted"],
  },
  {
    id: "M01",
    what: "CONTINUATION frames of 16 KB without an end",
    before: (id) => headersFrame(id, none, 0),
    goesOn: true,
    unit: (id) => frame(continuation, 0, id, Buffer.alloc(16_384)),
    limit: headerBlockMaxBytes(65_536) / 16_384,
    message: /too many header bytes/,
    alone: ["ResourceExhausted"],
  },
  {
    id: "M02",
    what: "header blocks of 100 000 references to one field of 4 KB",
    before: (id) => headersFrame(id, Buffer.concat([okHead, tableEntry])),
    unit: (id) => wholeBlock(id, Buffer.alloc(100_000, 0xbe)),
    ...bombs,
  },
  {
    id: "M03",
    what: "header blocks of nothing but Huffman code",
    before: begun,
    unit: (id) => headersFrame(id, huffmanField),
    ...strayBlocks,
    alone: ["ResourceExhausted", "Internal"],
  },
  {
    id: "M04",
    what: "header blocks that change the size of the table 10 000 times",
    before: begun,
    unit: (id) => headersFrame(id, Buffer.alloc(16_000, Buffer.from([0x20, 0x3f, 0xe1, 0x1f]))),
    ...strayBlocks,
    alone: ["Internal"],
  },
  {
    id: "M05",
    what: "header blocks of 100 000 fields",
    before: begun,
    unit: (id) => wholeBlock(id, Buffer.alloc(100_000, 0x8f)),
    ...bombs,
  },
  {
    id: "M06",
    what: "PING frames",
    unit: () => frame(ping, 0, 0, Buffer.alloc(8)),
    limit: floodLimits.ping.burst,
    message: /PING frames/,
  },
  {
    id: "M07",
    what: "SETTINGS frames",
    unit: () => settingsFrame([4, 65_535]),
    limit: floodLimits.settings.burst,
    message: /SETTINGS frames/,
  },
  {
    id: "M07",
    what: "SETTINGS acknowledgements",
    unit: () => frame(frameTypes.settings, 1, 0),
    limit: floodLimits.settings.burst,
    message: /SETTINGS/,
  },
  {
    id: "M08",
    what: "RST_STREAM frames",
    unit: (id) => rstFrame(id, 8),
    limit: floodLimits.stray.burst,
    message: /frames on closed streams/,
    alone: ["Canceled"],
  },
  {
    id: "M09",
    what: "empty DATA frames",
    before: begun,
    unit: (id) => dataFrame(id, none),
    limit: floodLimits.emptyData.burst,
    message: /empty DATA/,
    alone: ["ResourceExhausted"],
  },
  {
    id: "M10",
    what: "DATA frames of 1 byte",
    before: (id) => Buffer.concat([begun(id), dataFrame(id, Buffer.from([0, 0x3f, 0, 0, 0]))]),
    unit: (id) => dataFrame(id, Buffer.alloc(1)),
    limit: floodLimits.tinyData.burst,
    message: /DATA frames of a few bytes/,
    alone: ["Internal", "ResourceExhausted"],
  },
  {
    id: "M11",
    what: "interim responses",
    unit: (id) => headersFrame(id, block(":status", "103", "link", "l".repeat(1_000))),
    // Each counts for two of the unit, and the first few have ended their stream.
    limit: floodLimits.strayHeaders.burst / 2,
    message: /header blocks on closed streams/,
    alone: ["ResourceExhausted"],
  },
  {
    id: "M12",
    what: "WINDOW_UPDATE frames of 1 byte",
    unit: () => windowUpdateFrame(0, 1),
    limit: floodLimits.windowUpdate.burst,
    message: /WINDOW_UPDATE/,
  },
  {
    id: "M13",
    what: "PRIORITY frames",
    unit: (id) => frame(priority, 0, id, Buffer.alloc(5)),
    limit: floodLimits.ignored.burst,
    message: /mean nothing/,
  },
  {
    id: "M14",
    what: "frames of an unknown type",
    unit: () => frame(0xee, 0, 0, Buffer.alloc(100)),
    limit: floodLimits.ignored.burst,
    message: /mean nothing/,
  },
  {
    id: "M15",
    what: "PUSH_PROMISE frames",
    unit: (id) => frame(pushPromise, endHeaders, id, Buffer.concat([uint32(2), okHead])),
    limit: 0,
    goawayCode: protocolError,
    message: /PUSH_PROMISE although push is disabled/,
    alone: ["Internal"],
  },
  {
    id: "M26",
    what: "GOAWAY frames that spare the open calls",
    unit: () => goawayFrame(2 ** 31 - 1, 0),
    limit: floodLimits.goaway.burst,
    message: /GOAWAY/,
  },
];
