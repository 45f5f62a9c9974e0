/** What a connection's socket says of itself, noted when it was ready. */
export interface SocketFacts {
  /** `10.0.0.7:41234`, say; undefined for a Unix socket, and where a socket of the user's own does not say. */
  readonly localAddress: string | undefined;
  /** The peer's, in the same form; undefined where the socket does not say. */
  readonly remoteAddress: string | undefined;
  /** What ALPN agreed on; undefined without TLS. */
  readonly alpn: string | undefined;
  /** Undefined without TLS. */
  readonly tls: TlsFacts | undefined;
}

/** What was agreed on in the TLS handshake. */
export interface TlsFacts {
  /** `TLSv1.3`, say. */
  readonly protocol: string | undefined;
  /** The cipher suite by its name in the RFC: `TLS_AES_256_GCM_SHA384`, say. */
  readonly cipher: string | undefined;
  /** An earlier session was resumed. */
  readonly resumed: boolean;
}

/** Of a socket that says nothing. */
export const noSocketFacts: SocketFacts = Object.freeze({
  localAddress: undefined,
  remoteAddress: undefined,
  alpn: undefined,
  tls: undefined,
});
