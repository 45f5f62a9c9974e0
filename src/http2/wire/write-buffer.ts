import type { Clock } from "../../runtime/clock.ts";

/** Takes what is to be written to the socket, in order. The buffer never touches these bytes again. */
export type WriteOutput = (pieces: readonly Uint8Array[]) => void;

/** A batch that has grown to this leaves before the tick is over: the peer may start, and we need not keep it. */
const batchMaxBytes = 131_072;

/** Memory comes in slabs, which grow while they are used up, so that an idle connection holds next to nothing. */
const firstSlabBytes = 256;
const largestSlabBytes = 32_768;

/**
 * Gathers what is written in one tick, and hands it to the socket at once: a system call costs as much as several calls.
 *
 * What is small lies side by side in a slab that is never used twice, so nothing waits for the socket to be done with
 * it. The tick ends after everything that arrived in this turn of the loop, on whatever socket, has been handled; it may
 * have led to calls that can share the write. Ending the tick earlier, by `process.nextTick` or a microtask, was
 * measured to save a lone call nothing.
 */
export class WriteBuffer {
  readonly #output: WriteOutput;
  readonly #clock: Clock;
  #slab = Buffer.allocUnsafeSlow(firstSlabBytes);
  /** Where the part of the slab that is not yet a piece begins, and where the next bytes go. */
  #start = 0;
  #at = 0;
  #pieces: Uint8Array[] = [];
  #piecesBytes = 0;
  #urgent: Uint8Array[] = [];
  #batch = 0;
  #scheduled = false;
  #closed = false;

  constructor(output: WriteOutput, clock: Clock) {
    this.#output = output;
    this.#clock = clock;
  }

  /** Where bytes go that were reserved last. */
  get slab(): Buffer {
    return this.#slab;
  }

  /** The batch that is being written. It has left once this has changed. */
  get batch(): number {
    return this.#batch;
  }

  /** Makes room for so many bytes, which leave with this batch. Returns where in the slab they are to be written, now. */
  reserve(bytes: number): number {
    if (!this.hasRoom(bytes)) this.#nextSlab(bytes);
    this.#schedule();
    const at = this.#at;
    this.#at = at + bytes;
    return at;
  }

  /** What was reserved last ends at `end`, before its end. */
  trim(end: number): void {
    this.#at = end;
  }

  /** True when so many bytes, reserved now, follow the last ones in the same slab. */
  hasRoom(bytes: number): boolean {
    return this.#at + bytes <= this.#slab.length;
  }

  /** Adds bytes as they are, without copying them, to a batch that has begun. */
  append(bytes: Uint8Array): void {
    this.#seal();
    this.#pieces.push(bytes);
    this.#piecesBytes += bytes.length;
  }

  /** Adds bytes that leave before everything else of the batch. */
  overtake(bytes: Uint8Array): void {
    this.#urgent.push(bytes);
    this.#schedule();
  }

  /** Does not wait for the end of the tick with a batch that is large. */
  flushIfLarge(): void {
    if (this.#piecesBytes + this.#at - this.#start > batchMaxBytes) this.flush();
  }

  /** Hands over what there is, now. */
  flush(): void {
    this.#seal();
    if (this.#pieces.length === 0 && this.#urgent.length === 0) return;
    const pieces = this.#urgent.length === 0 ? this.#pieces : [...this.#urgent, ...this.#pieces];
    this.#urgent = [];
    this.#pieces = [];
    this.#piecesBytes = 0;
    this.#batch++;
    this.#output(pieces);
  }

  /** Takes back what has not left, but for what overtakes it. */
  takeBack(): Buffer {
    this.#seal();
    const bytes = Buffer.concat(this.#pieces, this.#piecesBytes);
    this.#pieces = [];
    this.#piecesBytes = 0;
    return bytes;
  }

  /** Drops what has not left. */
  discard(): void {
    this.#seal();
    this.#urgent = [];
    this.#pieces = [];
    this.#piecesBytes = 0;
  }

  /** Nothing leaves any more. */
  close(): void {
    this.discard();
    this.#closed = true;
  }

  readonly #onTickEnd = (): void => {
    this.#scheduled = false;
    if (!this.#closed) this.flush();
  };

  #schedule(): void {
    if (this.#scheduled || this.#closed) return;
    this.#scheduled = true;
    this.#clock.afterInput(this.#onTickEnd);
  }

  #nextSlab(bytes: number): void {
    this.#seal();
    const slabBytes = Math.max(bytes, Math.min(largestSlabBytes, this.#slab.length * 2));
    this.#slab = Buffer.allocUnsafeSlow(slabBytes);
    this.#start = 0;
    this.#at = 0;
  }

  /** What was written into the slab becomes a piece. */
  #seal(): void {
    if (this.#at === this.#start) return;
    this.#pieces.push(this.#slab.subarray(this.#start, this.#at));
    this.#piecesBytes += this.#at - this.#start;
    this.#start = this.#at;
  }
}
