import type { Stream, StreamListener } from "../connection.ts";
import type { ReceiveWindow } from "./windows.ts";

/** The connection as its streams see it: it does what a caller asks of a stream. */
export interface StreamConnection {
  writeStream(stream: WireStream, bytes: Uint8Array): boolean;
  endStream(stream: WireStream, bytes: Uint8Array | undefined): void;
  resetStream(stream: WireStream, code: number): void;
  resumeStream(stream: WireStream): void;
}

/** How far the response has come. */
export const responsePhase = { awaitingHeaders: 0, body: 1, ended: 2 } as const;

/**
 * One request and its response: a plain record, which those who send and those who receive keep up to date, and the
 * caller's handle on it.
 */
export class WireStream implements Stream, ReceiveWindow {
  readonly id: number;
  /** Undefined once the stream is over: nobody is to be told of anything any more. */
  listener: StreamListener | undefined;
  /** The writer's batch with the HEADERS: as long as it has not left, nothing was sent. */
  batch = 0;

  /** What the peer lets us send. Below 0 after it has made its initial window smaller (RFC 9113 §6.9.2). */
  sendWindowBytes: number;
  /** Request bytes that wait for a window or for the socket, oldest first; of the first, what follows the offset. */
  waiting: Uint8Array[] | undefined;
  waitingOffset = 0;
  waitingBytes = 0;
  /** END_STREAM goes out after what waits. */
  endRequested = false;
  /** END_STREAM or RST_STREAM has been written. */
  requestEnded = false;
  /** A `write` returned false, and `onWritable` is due. */
  owesWritable = false;

  receiveWindowBytes: number;
  unrefundedBytes = 0;
  phase: number = responsePhase.awaitingHeaders;
  interimResponses = 0;
  /** content-length, or -1. */
  expectedBytes = -1;
  receivedBytes = 0;
  paused = false;
  /** What came while the stream was paused. */
  held: Uint8Array[] | undefined;
  heldBytes = 0;

  readonly #connection: StreamConnection;

  constructor(
    id: number,
    connection: StreamConnection,
    listener: StreamListener,
    sendWindowBytes: number,
    receiveWindowBytes: number,
  ) {
    this.id = id;
    this.#connection = connection;
    this.listener = listener;
    this.sendWindowBytes = sendWindowBytes;
    this.receiveWindowBytes = receiveWindowBytes;
  }

  write(bytes: Uint8Array): boolean {
    return this.listener === undefined || this.#connection.writeStream(this, bytes);
  }

  end(bytes?: Uint8Array): void {
    if (this.listener !== undefined) this.#connection.endStream(this, bytes);
  }

  reset(code: number): void {
    if (this.listener !== undefined) this.#connection.resetStream(this, code);
  }

  pause(): void {
    this.paused = true;
  }

  resume(): void {
    if (!this.paused) return;
    this.paused = false;
    if (this.held !== undefined && this.listener !== undefined) this.#connection.resumeStream(this);
  }

  /** Forgets request bytes that will not be sent. */
  dropWaiting(): void {
    this.waiting = undefined;
    this.waitingOffset = 0;
    this.waitingBytes = 0;
    this.endRequested = false;
  }
}
