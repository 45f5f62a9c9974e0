import type { ClientHttp2Session } from "node:http2";
import { connectionFailure, type Failure, withProgress } from "../../base/errors.ts";
import { peerText } from "../../base/peer-text.ts";
import { codeOf, describeCause } from "../../base/thrown.ts";
import { type Goaway, goawayFailure, http2ErrorCode, resetFailure } from "../error-codes.ts";

/** What the end of a session of node:http2, and of its streams, means: from all that the session has told until then. */
export class NodeFailures {
  /** What the peer's GOAWAY said, once it came. */
  goaway: Goaway | undefined;
  /** What open streams end with, once this side has closed the connection. */
  closedWith: Failure | undefined;
  readonly #address: string;
  readonly #session: Pick<ClientHttp2Session, "destroyed">;
  readonly #maxHeaderListBytes: number;
  /** The first error of socket or session: why the connection ended. */
  #cause: unknown;

  constructor(address: string, session: Pick<ClientHttp2Session, "destroyed">, maxHeaderListBytes: number) {
    this.#address = address;
    this.#session = session;
    this.#maxHeaderListBytes = maxHeaderListBytes;
  }

  get cause(): unknown {
    return this.#cause;
  }

  /** Of socket or session. */
  noteCause(cause: unknown): void {
    this.#cause ??= cause;
  }

  /**
   * Why a stream ended that its peer did not end. A session that ends resets its streams itself, with CANCEL, with its own
   * code or with NO_ERROR: what a stream's code says counts only while the session lives. REFUSED_STREAM alone can only
   * come from the peer.
   */
  ofStream(streamId: number | undefined, resetCode: number, cause: unknown): Failure | undefined {
    const progress = streamId === undefined ? "unsent" : "unknown";
    if (this.closedWith !== undefined) return withProgress(this.closedWith, progress);
    const id = streamId ?? Number.POSITIVE_INFINITY;
    const refusedByGoaway = this.goaway !== undefined && id > this.goaway.lastStreamId;
    if (resetCode === http2ErrorCode.refusedStream && !refusedByGoaway) return resetFailure(this.#address, resetCode);
    if (this.goaway !== undefined && (refusedByGoaway || this.#session.destroyed)) {
      const failure = goawayFailure(this.#address, this.goaway, id);
      return streamId === undefined ? withProgress(failure, "unsent") : failure;
    }
    if (this.#session.destroyed) return this.#lost(progress, cause);
    if (resetCode === http2ErrorCode.noError) return undefined;
    const failure = { ...resetFailure(this.#address, resetCode), cause };
    if (resetCode !== http2ErrorCode.enhanceYourCalm) return failure;
    // Node resets a stream with this code when its headers are too large, and does not tell that from the peer's reset.
    const message = `${failure.message}, or its headers are larger than maxHeaderListBytes ${this.#maxHeaderListBytes}`;
    return { ...failure, message };
  }

  /** What a stream ends with whose HEADERS could not be sent. Undefined: not because of a GOAWAY. */
  get ofUnsent(): Failure | undefined {
    if (this.goaway === undefined) return undefined;
    return withProgress(goawayFailure(this.#address, this.goaway, Number.POSITIVE_INFINITY), "unsent");
  }

  /**
   * What a reset with NO_ERROR was, once what followed it was read. A server that drops its connections
   * (`session.destroy()` of Node's) sends such resets ahead of its GOAWAY and FIN.
   */
  get ofBareReset(): Failure | undefined {
    const isEnding = this.#session.destroyed || this.goaway !== undefined;
    return isEnding ? (this.closedWith ?? this.#lost("unknown", undefined)) : undefined;
  }

  /** Why the connection ended; undefined where the peer said GOAWAY first. */
  get ofConnection(): Failure | undefined {
    return this.closedWith ?? (this.goaway === undefined ? this.#lost("unknown", undefined) : undefined);
  }

  /** A session that Node gives up tells its streams why before it tells anyone else. */
  #lost(progress: "unsent" | "unknown", ofStream: unknown): Failure {
    const cause = this.#cause ?? (isOfNghttp2(ofStream) ? ofStream : undefined);
    const why = cause === undefined ? "the peer closed it" : peerText(describeCause(cause));
    return {
      ...connectionFailure("connection-lost", this.#address, progress, `the connection was lost: ${why}`),
      cause,
    };
  }
}

/** An error that nghttp2 found in what the peer sent. */
function isOfNghttp2(error: unknown): boolean {
  return codeOf(error) === "ERR_HTTP2_ERROR";
}
