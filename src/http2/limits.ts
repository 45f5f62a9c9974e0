import type { GrpcTransportOptions } from "@connectrpc/connect-node";

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
