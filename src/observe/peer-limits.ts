/** What a peer allows, as its SETTINGS and WINDOW_UPDATE say (RFC 9113 §6.5.2, §6.9). `Infinity`: it set no limit. */
export interface PeerLimits {
  /** Calls on the connection at a time. */
  readonly maxConcurrentStreams: number;
  /** The send window of a new stream. */
  readonly initialWindowBytes: number;
  /** That of the connection, as it is. */
  readonly connectionWindowBytes: number;
  /** Request headers of one call, by the count of RFC 9113 §6.5.2. */
  readonly maxHeaderListBytes: number;
}
