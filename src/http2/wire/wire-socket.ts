import type { Socket } from "node:net";
import type { Clock } from "../../runtime/clock.ts";

/** A peer that does not take our last words within this time is cut off. */
const lingerMs = 500;

/** A connection's socket, but for what is read from it: how much it takes, and how it is closed. */
export class WireSocket {
  /** Answers to the peer since the socket was last empty. Whoever queues one counts it. */
  queuedAnswers = 0;
  /** Bytes handed to it so far. */
  #bytesQueued = 0;
  readonly #socket: Socket;
  readonly #clock: Clock;

  /**
   * `onDrain`: everything written has left. `onLost`: the peer closed the socket, or it failed; the first call says why,
   * others may follow, after an end from this side too.
   */
  constructor(socket: Socket, clock: Clock, onDrain: () => void, onLost: (cause: unknown) => void) {
    this.#socket = socket;
    this.#clock = clock;
    socket.on("drain", () => {
      this.queuedAnswers = 0;
      onDrain();
    });
    socket.on("end", () => onLost(undefined));
    socket.on("error", onLost);
    socket.on("close", () => onLost(undefined));
  }

  get bytesRead(): number {
    // A Duplex from createConnection does not count: then only the answer to a PING is an answer.
    return this.#socket.bytesRead ?? 0;
  }

  /** Bytes that have left. */
  get bytesWritten(): number {
    return this.#bytesQueued - this.#socket.writableLength;
  }

  /** Everything written so far has left. */
  get isEmpty(): boolean {
    return this.#socket.writableLength === 0;
  }

  /** Writes the pieces at once. Returns false when they do not leave at once: `onDrain` says when they have. */
  write(pieces: readonly Uint8Array[]): boolean {
    const socket = this.#socket;
    if (this.isEmpty) this.queuedAnswers = 0;
    for (const { length } of pieces) this.#bytesQueued += length;
    if (pieces.length === 1) {
      socket.write(pieces[0] as Uint8Array);
    } else {
      socket.cork();
      for (const piece of pieces) socket.write(piece);
      socket.uncork();
    }
    // A write that the kernel took at once needs no waiting, however large it was.
    return !socket.writableNeedDrain || this.isEmpty;
  }

  /** Closes the socket once everything written has left, or did not in time. */
  end(): void {
    const socket = this.#socket;
    socket.end(() => socket.destroy());
    const timer = this.#clock.setTimeout(() => socket.destroy(), lingerMs);
    socket.once("close", () => this.#clock.clearTimeout(timer));
  }

  /** Closes the socket, whatever has left. */
  destroy(): void {
    this.#socket.destroy();
  }

  /**
   * Calls back once the socket is closed, at once if it is already. Not every Duplex says so: one that does not, though
   * it was ended or destroyed and had its time, counts as closed.
   */
  whenClosed(callback: () => void): void {
    if (this.#socket.closed) {
      callback();
      return;
    }
    const closed = () => {
      this.#clock.clearTimeout(timer);
      this.#socket.off("close", closed);
      callback();
    };
    const timer = this.#clock.setTimeout(closed, 2 * lingerMs);
    this.#socket.once("close", closed);
  }
}
