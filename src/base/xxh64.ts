/**
 * XXH64 (the xxHash specification, 0.1.1) of texts, in 32-bit halves: BigInt would make an object for each step. Made once
 * and used again, it allocates nothing for a text of ASCII.
 */
export class Xxh64 {
  /** The upper half of the last hash, as a signed number. */
  hi = 0;
  lo = 0;
  /** The four lanes of a long text, upper and lower halves in turn. */
  readonly #lanes = new Int32Array(8);
  #bytes = new Uint8Array(256);

  /** Hashes the text as UTF-8, with a seed of 64 bits, into {@link hi} and {@link lo}. */
  hash(text: string, seedHi = 0, seedLo = 0): void {
    const length = this.#read(text);
    const bytes = this.#bytes;
    let at = 0;
    if (length >= 32) {
      at = this.#stripes(length, seedHi, seedLo);
    } else {
      this.lo = (seedLo + prime5Lo) | 0;
      this.hi = (seedHi + prime5Hi + carryOf(seedLo, prime5Lo)) | 0;
    }
    this.hi = (this.hi + carryOf(this.lo, length)) | 0;
    this.lo = (this.lo + length) | 0;
    for (; at + 8 <= length; at += 8) {
      this.#mixIn(wordAt(bytes, at + 4), wordAt(bytes, at));
      this.#turn(27, this.hi, this.lo);
      this.#grow(prime1Hi, prime1Lo, prime4Hi, prime4Lo);
    }
    if (at + 4 <= length) {
      const word = wordAt(bytes, at);
      this.#turn(23, this.hi ^ upperOfProduct(0, word, prime1Hi, prime1Lo), this.lo ^ Math.imul(word, prime1Lo));
      this.#grow(prime2Hi, prime2Lo, prime3Hi, prime3Lo);
      at += 4;
    }
    for (; at < length; at++) {
      const byte = bytes[at] as number;
      this.#turn(11, this.hi ^ upperOfProduct(0, byte, prime5Hi, prime5Lo), this.lo ^ Math.imul(byte, prime5Lo));
      this.#grow(prime1Hi, prime1Lo, 0, 0);
    }
    this.#avalanche();
  }

  /** The bytes of the text into {@link #bytes}; returns how many. */
  #read(text: string): number {
    const { length } = text;
    if (this.#bytes.length < length * 3) this.#bytes = new Uint8Array(length * 3);
    const bytes = this.#bytes;
    for (let i = 0; i < length; i++) {
      const unit = text.charCodeAt(i);
      if (unit > 0x7f) return new TextEncoder().encodeInto(text, bytes).written;
      bytes[i] = unit;
    }
    return length;
  }

  /** The whole stripes of 32 bytes; returns where they end. */
  #stripes(length: number, seedHi: number, seedLo: number): number {
    const lanes = this.#lanes;
    const bytes = this.#bytes;
    for (let lane = 0; lane < 4; lane++) {
      const startLo = laneStarts[2 * lane + 1] as number;
      lanes[2 * lane] = seedHi + (laneStarts[2 * lane] as number) + carryOf(seedLo, startLo);
      lanes[2 * lane + 1] = seedLo + startLo;
    }
    let at = 0;
    for (; at + 32 <= length; at += 32) {
      for (let lane = 0; lane < 8; lane += 2) {
        const wordLo = wordAt(bytes, at + 4 * lane);
        const termHi = upperOfProduct(wordAt(bytes, at + 4 * lane + 4), wordLo, prime2Hi, prime2Lo);
        const termLo = Math.imul(wordLo, prime2Lo);
        const laneLo = lanes[lane + 1] as number;
        const sumHi = ((lanes[lane] as number) + termHi + carryOf(laneLo, termLo)) | 0;
        const sumLo = (laneLo + termLo) | 0;
        const turnedHi = (sumHi << 31) | (sumLo >>> 1);
        const turnedLo = (sumLo << 31) | (sumHi >>> 1);
        lanes[lane] = upperOfProduct(turnedHi, turnedLo, prime1Hi, prime1Lo);
        lanes[lane + 1] = Math.imul(turnedLo, prime1Lo);
      }
    }
    let sumHi = 0;
    let sumLo = 0;
    for (let lane = 0; lane < 4; lane++) {
      this.#turn(laneTurns[lane] as number, lanes[2 * lane] as number, lanes[2 * lane + 1] as number);
      sumHi = (sumHi + this.hi + carryOf(sumLo, this.lo)) | 0;
      sumLo = (sumLo + this.lo) | 0;
    }
    this.hi = sumHi;
    this.lo = sumLo;
    for (let lane = 0; lane < 8; lane += 2) {
      this.#mixIn(lanes[lane] as number, lanes[lane + 1] as number);
      this.#grow(prime1Hi, prime1Lo, prime4Hi, prime4Lo);
    }
    return at;
  }

  /** Exclusive or of the hash so far with one round of a word. */
  #mixIn(wordHi: number, wordLo: number): void {
    const termHi = upperOfProduct(wordHi, wordLo, prime2Hi, prime2Lo);
    const termLo = Math.imul(wordLo, prime2Lo);
    const turnedHi = (termHi << 31) | (termLo >>> 1);
    const turnedLo = (termLo << 31) | (termHi >>> 1);
    this.hi ^= upperOfProduct(turnedHi, turnedLo, prime1Hi, prime1Lo);
    this.lo ^= Math.imul(turnedLo, prime1Lo);
  }

  /** Rotates to the left, by less than 32 bits. */
  #turn(bits: number, hi: number, lo: number): void {
    this.hi = (hi << bits) | (lo >>> (32 - bits));
    this.lo = (lo << bits) | (hi >>> (32 - bits));
  }

  /** Times a prime, plus another one. */
  #grow(factorHi: number, factorLo: number, termHi: number, termLo: number): void {
    const lo = Math.imul(this.lo, factorLo);
    this.hi = (upperOfProduct(this.hi, this.lo, factorHi, factorLo) + termHi + carryOf(lo, termLo)) | 0;
    this.lo = (lo + termLo) | 0;
  }

  #avalanche(): void {
    this.lo ^= this.hi >>> 1;
    this.#grow(prime2Hi, prime2Lo, 0, 0);
    this.lo ^= (this.lo >>> 29) | (this.hi << 3);
    this.hi ^= this.hi >>> 29;
    this.#grow(prime3Hi, prime3Lo, 0, 0);
    this.lo ^= this.hi;
  }
}

// The five primes of XXH64, in halves.
const [prime1Hi, prime1Lo] = [0x9e3779b1 | 0, 0x85ebca87 | 0];
const [prime2Hi, prime2Lo] = [0xc2b2ae3d | 0, 0x27d4eb4f];
const [prime3Hi, prime3Lo] = [0x165667b1, 0x9e3779f9 | 0];
const [prime4Hi, prime4Lo] = [0x85ebca77 | 0, 0xc2b2ae63 | 0];
const [prime5Hi, prime5Lo] = [0x27d4eb2f, 0x165667c5];

/** What lanes begin with beside the seed: prime 1 + prime 2, prime 2, 0, - prime 1. */
const laneStarts = Int32Array.of(0x60ea27ee, 0xadc0b5d6, prime2Hi, prime2Lo, 0, 0, 0x61c8864e, 0x7a143579);

const laneTurns = [1, 7, 12, 18];

function wordAt(bytes: Uint8Array, at: number): number {
  return (
    (bytes[at] as number) |
    ((bytes[at + 1] as number) << 8) |
    ((bytes[at + 2] as number) << 16) |
    ((bytes[at + 3] as number) << 24)
  );
}

/** What the sum of two lower halves adds to the upper ones. */
function carryOf(a: number, b: number): number {
  return (a >>> 0) + (b >>> 0) > 0xffffffff ? 1 : 0;
}

/** The upper 32 of the lower 64 bits of a product. */
function upperOfProduct(aHi: number, aLo: number, bHi: number, bLo: number): number {
  const a0 = aLo & 0xffff;
  const a1 = aLo >>> 16;
  const b0 = bLo & 0xffff;
  const b1 = bLo >>> 16;
  const low = Math.imul(a0, b0) >>> 16;
  const middle = (Math.imul(a1, b0) >>> 0) + low;
  const carried = (Math.imul(a0, b1) >>> 0) + (middle & 0xffff);
  const upper = Math.imul(a1, b1) + (middle >>> 16) + (carried >>> 16);
  return (upper + Math.imul(aHi, bLo) + Math.imul(aLo, bHi)) | 0;
}
