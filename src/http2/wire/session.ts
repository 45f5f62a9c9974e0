import type { Failure } from "../../base/errors.ts";
import type { Goaway } from "../error-codes.ts";
import type { FloodKind } from "./limits.ts";
import type { WireStream } from "./wire-stream.ts";

/** What a SETTINGS frame said of requests. Undefined: nothing. */
export interface PeerSettings {
  readonly maxConcurrentStreams: number | undefined;
  readonly maxHeaderListBytes: number | undefined;
}

/** The connection as those see it who read the peer's frames: what they found out, and what it means. */
export interface Session {
  /** Streams that are open. */
  readonly streams: ReadonlyMap<number, WireStream>;
  /** True for stream ids that nobody has used: no frame may come on them (RFC 9113 §5.1). */
  isIdle(streamId: number): boolean;
  /**
   * The peer broke HTTP/2 for the whole connection, which ends. `problem` ends a sentence that begins "the server". With
   * `streamId`, it was in answering that call, which therefore fails as its own and is not repeated elsewhere.
   */
  breach(code: number, problem: string, streamId?: number): void;
  /** Takes note of a frame that may be part of a flood. Returns false when it was: the connection has ended. */
  tolerates(kind: FloodKind, streamId?: number): boolean;
  /** As many of something as one limit allows, and one more: the connection ends. `streamId` as above. */
  flooded(what: string, streamId?: number): void;
  /** An answer to the peer is queued. Returns false when too many are: the connection has ended. */
  answers(): boolean;
  /** Ends a stream that the peer broke, with RST_STREAM. */
  failStream(stream: WireStream, code: number, failure: Failure): void;
  /** The peer broke HTTP/2 on one stream. `problem` as above. */
  malformed(stream: WireStream, problem: string, code?: number): void;
  /** The peer's END_STREAM came, and the listener has everything. */
  responseEnded(stream: WireStream): void;
  /** The peer sent RST_STREAM. */
  streamReset(stream: WireStream, code: number): void;
  goawayReceived(goaway: Goaway): void;
  pingAnswered(payload: Uint8Array): void;
  /** The peer's SETTINGS have been applied. */
  settingsApplied(settings: PeerSettings): void;
  settingsAcknowledged(): void;
}
