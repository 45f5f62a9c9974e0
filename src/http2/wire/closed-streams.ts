/** How many are remembered: frames that a broken server sends on closed streams come soon. A power of two. */
const remembered = 64;

/**
 * Which streams the peer closed last. A frame on one of those is an error (RFC 9113 §5.1), whereas frames on streams
 * that we reset are under way honestly, and are ignored. Of streams too long ago the peer gets the benefit of the doubt.
 */
export class ClosedStreams {
  readonly #ids = new Int32Array(remembered);
  #next = 0;

  /** The peer sent END_STREAM. */
  ended(streamId: number): void {
    this.#ids[this.#next++ & (remembered - 1)] = streamId;
  }

  /** The peer sent RST_STREAM. */
  reset(streamId: number): void {
    this.#ids[this.#next++ & (remembered - 1)] = -streamId;
  }

  /** A frame on the stream has been answered: whatever else comes on it is ignored. */
  answered(streamId: number): void {
    const at = this.#ids.indexOf(-streamId);
    if (at !== -1) this.#ids[at] = 0;
  }

  wasEnded(streamId: number): boolean {
    return this.#ids.includes(streamId);
  }

  wasReset(streamId: number): boolean {
    return this.#ids.includes(-streamId);
  }
}
