/** How many are remembered: frames that a broken server sends on closed streams come soon. A power of two. */
const remembered = 64;

/**
 * Which streams the peer closed last. A frame on one of those is an error (RFC 9113 §5.1), whereas frames on streams
 * that we reset are under way honestly, and are ignored. Of streams too long ago the peer gets the benefit of the doubt.
 */
export class ClosedStreams {
  /** Made for the first one: most of many connections have had no stream. */
  #ids: Int32Array | undefined;
  #next = 0;

  /** The peer sent END_STREAM. */
  ended(streamId: number): void {
    this.#remember(streamId);
  }

  /** The peer sent RST_STREAM. */
  reset(streamId: number): void {
    this.#remember(-streamId);
  }

  /** A frame on the stream has been answered: whatever else comes on it is ignored. */
  answered(streamId: number): void {
    const at = this.#ids?.indexOf(-streamId) ?? -1;
    if (this.#ids !== undefined && at !== -1) this.#ids[at] = 0;
  }

  wasEnded(streamId: number): boolean {
    return this.#ids?.includes(streamId) === true;
  }

  wasReset(streamId: number): boolean {
    return this.#ids?.includes(-streamId) === true;
  }

  #remember(signedId: number): void {
    this.#ids ??= new Int32Array(remembered);
    this.#ids[this.#next++ & (remembered - 1)] = signedId;
  }
}
