import type { OnReadOpts, Socket } from "node:net";

/** Hears of what a peer sent: the first `length` bytes of `chunk`, valid during the call. */
export type ChunkListener = (chunk: Buffer, length: number) => void;

/**
 * What a socket receives, without memory of its own for each read: Node otherwise allocates 64 KiB for every one, and
 * garbage of that size costs more than the reading.
 */
export class SocketInput {
  /** The option of net.connect and tls.connect. */
  readonly onread: OnReadOpts;
  #listener: ChunkListener | undefined;

  /** `buffer` may be that of other sockets too: every read is over before the next one begins. */
  constructor(buffer: Buffer) {
    const callback = (length: number) => {
      this.#listener?.(buffer, length);
      return true;
    };
    this.onread = { buffer, callback };
  }

  /** From now on `listener` hears of what comes: call it before the socket's connect event is over, which nothing precedes. */
  listen(listener: ChunkListener): void {
    this.#listener = listener;
  }
}

/** The same of a socket that somebody else opened. */
export function listenToStream(socket: Socket, listener: ChunkListener): void {
  socket.on("data", (chunk: Buffer) => listener(chunk, chunk.length));
  // Its maker may have paused it: a listener alone does not undo that.
  socket.resume();
}
