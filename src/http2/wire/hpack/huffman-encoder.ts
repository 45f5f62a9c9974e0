import { huffmanCodes } from "./huffman.ts";

/** Encodes strings in the Huffman code of RFC 7541 §5.2. Characters are Latin-1. */
export class HuffmanEncoder {
  readonly #codes = huffmanCodes();

  /** What the text takes. */
  bytesOf(text: string): number {
    let bits = 0;
    for (let i = 0; i < text.length; i++) bits += this.#codeOf(text, i).bits;
    return Math.ceil(bits / 8);
  }

  /** Writes the text. Returns where it ends. */
  write(text: string, into: Uint8Array, at: number): number {
    let position = at;
    // Bits that do not fill a byte yet: at most 7, so that they and the longest code fit into 37 bits of a number.
    let pending = 0;
    let pendingBits = 0;
    for (let i = 0; i < text.length; i++) {
      const { code, bits } = this.#codeOf(text, i);
      pending = pending * 2 ** bits + code;
      pendingBits += bits;
      while (pendingBits >= 8) {
        pendingBits -= 8;
        const byte = Math.floor(pending / 2 ** pendingBits);
        into[position++] = byte;
        pending -= byte * 2 ** pendingBits;
      }
    }
    // The rest of the last byte is ones, the beginning of EOS.
    if (pendingBits > 0) into[position++] = (pending << (8 - pendingBits)) | (0xff >> pendingBits);
    return position;
  }

  #codeOf(text: string, index: number): { readonly code: number; readonly bits: number } {
    return this.#codes[text.charCodeAt(index)] as { readonly code: number; readonly bits: number };
  }
}
