import { defaultFrameBytes } from "./frames.ts";

/**
 * What a peer may do to us, all in one place. Whoever goes beyond is hostile or broken: the connection ends with
 * ENHANCE_YOUR_CALM. Honest servers stay far below, at any load, because what they may send grows with what we send.
 */

/** What is counted. */
export type FloodKind =
  | "ping"
  | "settings"
  | "goaway"
  | "windowUpdate"
  | "ignored"
  | "emptyData"
  | "tinyData"
  | "stray"
  | "strayHeaders";

/** How often something may come: a full bucket at first, which refills with time and with our own frames. */
export interface FloodLimit {
  /** What it is, as the end of "the server sent too many …". */
  readonly what: string;
  /** As many at once. */
  readonly burst: number;
  readonly perSecond: number;
  /** For each HEADERS or DATA frame we sent: an answer to our own traffic is no flood. */
  readonly perSentFrame: number;
  /** For each byte of DATA we sent. */
  readonly perSentByte: number;
}

export const floodLimits: Readonly<Record<FloodKind, FloodLimit>> = {
  /** grpc-go probes the bandwidth with a PING while data flows, and asks idle clients every few seconds. CVE-2019-9512. */
  ping: { what: "PING frames", burst: 1_000, perSecond: 100, perSentFrame: 1, perSentByte: 0 },
  /** Each is answered, and walks over all streams. Servers change settings a handful of times. CVE-2019-9515. */
  settings: { what: "SETTINGS frames", burst: 100, perSecond: 10, perSentFrame: 0, perSentByte: 0 },
  /** Each walks over all streams, and one or two say it all. */
  goaway: { what: "GOAWAY frames", burst: 100, perSecond: 10, perSentFrame: 0, perSentByte: 0 },
  /**
   * Servers give credit for what they have read, to the stream and to the connection: Go's net/http for each read, which
   * may be the 5 bytes before a message. More than that is credit for nothing.
   */
  windowUpdate: { what: "WINDOW_UPDATE frames", burst: 10_000, perSecond: 1_000, perSentFrame: 4, perSentByte: 0.4 },
  /** PRIORITY, and types we do not know: ignored, but not for nothing. CVE-2019-9513. */
  ignored: { what: "frames that mean nothing", burst: 1_000, perSecond: 100, perSentFrame: 1, perSentByte: 0 },
  /** DATA without a byte that does not even end the stream costs the windows nothing; likewise. CVE-2019-9518. */
  emptyData: { what: "empty DATA frames", burst: 1_000, perSecond: 100, perSentFrame: 1, perSentByte: 0 },
  /**
   * DATA shorter than a gRPC prefix, beyond one for each frame that is not: a writer that sends prefix and body apart has a
   * tiny frame for every other one, at any rate. No honest one cuts finer for long, and each costs far more than its bytes.
   */
  tinyData: { what: "DATA frames of a few bytes", burst: 25_600, perSecond: 10_000, perSentFrame: 4, perSentByte: 0 },
  /** What was under way when a stream was cancelled: up to a window in small frames. RST_STREAM floods end up here. */
  stray: { what: "frames on closed streams", burst: 10_000, perSecond: 1_000, perSentFrame: 64, perSentByte: 0 },
  /** They have to be decoded nevertheless. Honest ones are the head and the trailers of a stream that was cancelled. */
  strayHeaders: {
    what: "header blocks on closed streams",
    burst: 10_000,
    perSecond: 100,
    perSentFrame: 2,
    perSentByte: 0,
  },
};

/** A header block on a closed stream counts once for each of these that it begins: its cost is its length. */
export const strayHeadersUnitBytes = 1_024;

/** Below this a DATA frame counts as tiny: the prefix of a gRPC message. */
export const tinyDataBytes = 5;

/** Fields of one header list. Above this it is no metadata any more; the list's bytes have their own limit. */
export const maxHeaderFields = 1_000;

/** Answers (PING and SETTINGS ACK, RST_STREAM) that wait because the peer does not read: nghttp2 has the same limit. */
export const maxQueuedAnswers = 1_000;

/**
 * A header block is kept until it is whole, in as many bytes as a list within its limit may take, and some more. One that
 * goes on fails its call, and is read on into nothing, because the table has to stay the peer's.
 */
export function keptBlockMaxBytes(maxHeaderListBytes: number): number {
  return defaultFrameBytes + 2 * maxHeaderListBytes;
}

/** No block may be longer, whoever reads it: this is what grpc-go takes for the longest list. CVE-2023-45288. */
export function headerBlockMaxBytes(maxHeaderListBytes: number): number {
  return Math.max(2 ** 24, 2 * keptBlockMaxBytes(maxHeaderListBytes));
}

/** CONTINUATION frames of one block that may be as short as they like: nghttp2 allows no more at all. */
const shortContinuations = 8;

/** What further ones must have, taken together: honest servers fill all but the last. */
const leastContinuationBytes = 512;

/** CONTINUATION frames of a block that has so many bytes until now. CVE-2023-45288. */
export function maxContinuations(blockBytes: number): number {
  return shortContinuations + Math.floor(blockBytes / leastContinuationBytes);
}
