/** Cuts bytes into messages whose length is the last four bytes of a prefix. Shared by `floor` and `tcp`. */
export class PrefixedReader {
  readonly #prefixBytes: number;
  readonly #onMessage: (payload: Buffer) => void;
  #pieces: Buffer[] = [];
  #pending = 0;
  /** Bytes after which the next message is complete, or its prefix while that is incomplete. */
  #wanted: number;

  constructor(prefixBytes: number, onMessage: (payload: Buffer) => void) {
    this.#prefixBytes = prefixBytes;
    this.#onMessage = onMessage;
    this.#wanted = prefixBytes;
  }

  push(chunk: Buffer): void {
    if (this.#pending + chunk.length < this.#wanted) {
      this.#keep(chunk);
      return;
    }
    let bytes = chunk;
    if (this.#pending > 0) {
      this.#pieces.push(chunk);
      bytes = Buffer.concat(this.#pieces);
      this.#pieces = [];
      this.#pending = 0;
    }
    let at = 0;
    for (;;) {
      const left = bytes.length - at;
      this.#wanted = this.#prefixBytes;
      if (left >= this.#prefixBytes) this.#wanted += bytes.readUInt32BE(at + this.#prefixBytes - 4);
      if (left < this.#wanted) break;
      this.#onMessage(bytes.subarray(at + this.#prefixBytes, at + this.#wanted));
      at += this.#wanted;
    }
    if (at < bytes.length) this.#keep(bytes.subarray(at));
  }

  #keep(piece: Buffer): void {
    this.#pieces.push(piece);
    this.#pending += piece.length;
  }
}
