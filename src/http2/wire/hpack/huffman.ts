/**
 * RFC 7541 appendix B: bits of the code of each byte, then of EOS. The code is canonical, so the lengths say it all:
 * codes of one length count up in the order of their symbols, and a longer length goes on where the shorter one ended.
 */
const codeLengths = [
  13, 23, 28, 28, 28, 28, 28, 28, 28, 24, 30, 28, 28, 30, 28, 28, 28, 28, 28, 28, 28, 28, 30, 28, 28, 28, 28, 28, 28,
  28, 28, 28, 6, 10, 10, 12, 13, 6, 8, 11, 10, 10, 8, 11, 8, 6, 6, 6, 5, 5, 5, 6, 6, 6, 6, 6, 6, 6, 7, 8, 15, 6, 12, 10,
  13, 6, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 8, 7, 8, 13, 19, 13, 14, 6, 15, 5, 6, 5, 6,
  5, 6, 6, 6, 5, 7, 7, 6, 6, 6, 5, 6, 7, 6, 5, 5, 6, 7, 7, 7, 7, 7, 15, 11, 14, 13, 28, 20, 22, 20, 20, 22, 22, 22, 23,
  22, 23, 23, 23, 23, 23, 24, 23, 24, 24, 22, 23, 24, 23, 23, 23, 23, 21, 22, 23, 22, 23, 23, 24, 22, 21, 20, 22, 22,
  23, 23, 21, 23, 22, 22, 24, 21, 22, 23, 23, 21, 21, 22, 21, 23, 22, 23, 23, 20, 22, 22, 22, 23, 22, 22, 23, 26, 26,
  20, 19, 22, 23, 22, 25, 26, 26, 26, 27, 27, 26, 24, 25, 19, 21, 26, 27, 27, 26, 27, 24, 21, 21, 26, 26, 28, 27, 27,
  27, 20, 24, 20, 21, 22, 21, 21, 23, 22, 22, 25, 25, 24, 24, 26, 23, 26, 27, 26, 26, 27, 27, 27, 27, 27, 28, 27, 27,
  27, 27, 27, 26, 30,
];

const longestCode = 30;
const endOfString = 256;

/** The codes by symbol, EOS last: what the lengths above mean. */
export function huffmanCodes(): { readonly code: number; readonly bits: number }[] {
  const codes = codeLengths.map((bits) => ({ code: 0, bits }));
  let next = 0;
  for (let bits = 1; bits <= longestCode; bits++) {
    next *= 2;
    for (const entry of codes) if (entry.bits === bits) entry.code = next++;
  }
  return codes;
}

/** Bits of a transition: 0–7 the next state, 8–15 a byte to put out, and these. */
const emits = 1 << 16;
const fails = 1 << 17;

/** A transition per state and half byte: a code has at least 5 bits, so four of them complete at most one symbol. */
const stepBits = 4;
const stepsPerState = 1 << stepBits;

/**
 * Decodes Huffman-coded strings by two table look-ups a byte. A state is an inner node of the code tree. One decoder
 * serves every connection of a connector: its tables (17 KB) are made when the first such string comes.
 */
export class HuffmanDecoder {
  #transitions: Uint32Array | undefined;
  /** 1 for states in which a string may end: less than a byte of ones has come since the last symbol (§5.2). */
  #accepting = new Uint8Array(0);
  #scratch = Buffer.allocUnsafeSlow(0);

  /** The text as Latin-1, or undefined where the bytes are no valid code. */
  decode(bytes: Uint8Array, start: number, end: number): string | undefined {
    const transitions = this.#transitions ?? this.#build();
    // The shortest code has 5 bits.
    const longest = Math.ceil(((end - start) * 8) / 5);
    if (this.#scratch.length < longest) this.#scratch = Buffer.allocUnsafeSlow(Math.max(256, longest));
    const scratch = this.#scratch;
    let length = 0;
    let state = 0;
    for (let at = start; at < end; at++) {
      const byte = bytes[at] as number;
      const high = transitions[(state << stepBits) | (byte >> stepBits)] as number;
      if ((high & emits) !== 0) scratch[length++] = high >> 8;
      const low = transitions[((high & 0xff) << stepBits) | (byte & 0xf)] as number;
      if ((low & emits) !== 0) scratch[length++] = low >> 8;
      if (((high | low) & fails) !== 0) return undefined;
      state = low & 0xff;
    }
    return this.#accepting[state] === 1 ? scratch.toString("latin1", 0, length) : undefined;
  }

  #build(): Uint32Array {
    const tree = codeTree();
    const transitions = new Uint32Array((tree.length / 2) * stepsPerState);
    for (let state = 0; state * 2 < tree.length; state++) {
      for (let step = 0; step < stepsPerState; step++) {
        transitions[state * stepsPerState + step] = transitionOf(tree, state, step);
      }
    }
    this.#accepting = new Uint8Array(tree.length / 2);
    for (let ones = 0, node = 0; ones < 8; ones++, node = tree[node * 2 + 1] as number) this.#accepting[node] = 1;
    this.#transitions = transitions;
    return transitions;
  }
}

/** The code as a tree: two children for each inner node, another inner node's number or a symbol as `~symbol`. */
function codeTree(): Int16Array {
  const tree = new Int16Array(2 * endOfString);
  let nodes = 1;
  for (const [symbol, { code, bits }] of huffmanCodes().entries()) {
    let node = 0;
    for (let bit = bits - 1; bit > 0; bit--) {
      const child = node * 2 + ((code >> bit) & 1);
      if (tree[child] === 0) tree[child] = nodes++;
      node = tree[child] as number;
    }
    tree[node * 2 + (code & 1)] = ~symbol;
  }
  return tree;
}

function transitionOf(tree: Int16Array, state: number, step: number): number {
  let node = state;
  let output = 0;
  for (let bit = stepBits - 1; bit >= 0; bit--) {
    const child = tree[node * 2 + ((step >> bit) & 1)] as number;
    if (child === ~endOfString) return fails;
    if (child < 0) output = emits | (~child << 8);
    node = Math.max(child, 0);
  }
  return output | node;
}
