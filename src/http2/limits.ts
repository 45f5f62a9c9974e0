import { Code } from "@connectrpc/connect";
import type { Failure } from "../base/errors.ts";

/** A connection retires when this share of a client's 2^30 stream ids (RFC 9113 §5.1.1) is used, as grpc-go does. */
export const maxStreamsPerConnection: number = Math.floor(0.75 * 2 ** 30);

/** Interim (1xx) responses of one stream. Servers send one or two; each is decoded and read for nothing. */
export const maxInterimResponses = 32;

/** The answer to a call had more of them: the call's failure, which names no address. */
export const interimFailure: Failure = {
  kind: "protocol",
  code: Code.ResourceExhausted,
  progress: "unknown",
  message: `the server sent too many interim responses: more than ${maxInterimResponses}`,
};

/** Sizes that an engine announces and enforces. */
export interface Http2Limits {
  /** SETTINGS_INITIAL_WINDOW_SIZE: what a peer may send on one stream before we have read it. */
  readonly initialWindowBytes: number;
  /** What a peer may send on one connection before we have read it. */
  readonly connectionWindowBytes: number;
  /**
   * True: the windows begin at what HTTP/2 has by default, and grow with what the way to the peer needs, up to that of the
   * connection.
   */
  readonly windowsGrow: boolean;
  /** SETTINGS_MAX_HEADER_LIST_SIZE. */
  readonly maxHeaderListBytes: number;
}
