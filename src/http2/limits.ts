import { Code } from "@connectrpc/connect";
import type { GrpcTransportOptions } from "@connectrpc/connect-node";
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

/** Sizes that an engine announces and enforces, and what the user gave for node:http2 alone. */
export interface Http2Limits {
  /** SETTINGS_INITIAL_WINDOW_SIZE: what a peer may send on one stream before we have read it. */
  readonly initialWindowBytes: number;
  /** What a peer may send on one connection before we have read it. */
  readonly connectionWindowBytes: number;
  /** SETTINGS_MAX_HEADER_LIST_SIZE. */
  readonly maxHeaderListBytes: number;
  /** Options passed on to node:http2 as they are. */
  readonly nodeOptions: NonNullable<GrpcTransportOptions["nodeOptions"]>;
}
