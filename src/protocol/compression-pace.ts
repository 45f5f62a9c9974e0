/** No message is compressed at once that is expected to take longer. */
const longestMs = 1;

/** As a first guess, and where messages compress well. */
const usualMsPerByte = longestMs / 65_536;

/** Up to here even the worst content is done in time, and what it takes says little of longer messages. */
const smallBytes = 4_096;

/** What is remembered of slow messages with each one that is therefore not compressed at once: a hundred later one is again. */
const memoryFactor = 0.97;

/** How long compressing takes, which is known of no message before: from 1 ns a byte to 200, as the content is. */
export class CompressionPace {
  /** Of the last two messages the faster: the process may have been kept waiting during one. */
  #msPerByte = usualMsPerByte;
  #lastMsPerByte = usualMsPerByte;

  /** Whether a message of so many bytes is expected to be done soon enough. */
  allows(bytes: number): boolean {
    if (bytes <= smallBytes || bytes * this.#msPerByte <= longestMs) return true;
    this.#msPerByte *= memoryFactor;
    return false;
  }

  /** A message of so many bytes was compressed. */
  took(bytes: number, ms: number): void {
    if (bytes <= smallBytes) return;
    this.#msPerByte = Math.min(ms / bytes, this.#lastMsPerByte);
    this.#lastMsPerByte = ms / bytes;
  }
}
