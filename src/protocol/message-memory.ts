/**
 * Small messages share memory of this size, which goes when the last of them is decoded: what users get of their bytes is
 * copied then.
 */
const slabBytes = 16_384;

/** Larger ones have memory of their own. */
const largestSharedBytes = 2_048;

/** What is announced is allocated at once up to here. */
const trustedAtOnceBytes = 131_072;

/** What is allocated first of what is longer. */
const firstBytes = 65_536;

/** This share of what is longer has to come before all of it is allocated. */
const shareToCome = 1 / 16;

/**
 * What to allocate for something that is announced as `announcedBytes` long, once `comeBytes` of it have come or are there to
 * be stored. A peer has to send a part of what it makes us hold. Until it has, little is allocated, because that will have
 * been in vain: all of it together is at most half of the whole.
 */
export function trustedBytes(announcedBytes: number, comeBytes: number): number {
  if (announcedBytes <= trustedAtOnceBytes || comeBytes >= shareToCome * announcedBytes) return announcedBytes;
  return Math.max(firstBytes, 4 * comeBytes);
}

/**
 * Memory for received messages. What V8 allocates for a small array costs several times the view of a part of a large
 * one; and what it would keep inside the array object, up to 64 bytes, it moves outside as soon as a decoder asks for the
 * array's buffer.
 */
export class MessageMemory {
  #slab = new ArrayBuffer(0);
  #used = 0;

  /**
   * A plain Uint8Array with any content. No Buffer, because bytes fields of messages are views of it, and `slice` of a
   * Buffer shares memory where that of an Uint8Array copies.
   */
  allocate(length: number): Uint8Array {
    if (length > largestSharedBytes) return new Uint8Array(Buffer.allocUnsafeSlow(length).buffer);
    if (this.#used + length > this.#slab.byteLength) {
      this.#slab = Buffer.allocUnsafeSlow(slabBytes).buffer;
      this.#used = 0;
    }
    const message = new Uint8Array(this.#slab, this.#used, length);
    this.#used += length;
    return message;
  }
}
