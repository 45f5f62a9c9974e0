import type { Http2Limits } from "../limits.ts";
import type { LimitListener, UnreadMemory } from "../unread-memory.ts";
import type { FrameWriter } from "./frame-writer.ts";
import { defaultWindowBytes, settingId } from "./frames.ts";
import { type ReceiveWindow, refund } from "./windows.ts";
import { responsePhase, type WireStream } from "./wire-stream.ts";

/**
 * Gives the peer credit: for each stream as its bytes are read, and less of it while much is unread on the whole. Then
 * our SETTINGS make the window of every stream small (RFC 9113 §6.9.2), those of unread ones negative: nothing comes on
 * them until they have been read. Our own account of a stream stays at its full size meanwhile. It is above the peer's by
 * what the SETTINGS took, so that a peer may still send what was allowed before it heard of them.
 */
export class ReceiveWindows {
  /** What the connection's window is opened to. */
  readonly connectionBytes: number;
  readonly #writer: FrameWriter;
  readonly #streams: ReadonlyMap<number, WireStream>;
  readonly #fullBytes: number;
  readonly #unread: UnreadMemory;
  readonly #connection: ReceiveWindow;
  readonly #listener: LimitListener = { onLimitChanged: () => this.#resize() };
  /** As it was announced for each stream. */
  #streamBytes: number;

  constructor(
    writer: FrameWriter,
    streams: ReadonlyMap<number, WireStream>,
    { initialWindowBytes, connectionWindowBytes }: Http2Limits,
    unread: UnreadMemory,
  ) {
    this.connectionBytes = Math.max(defaultWindowBytes, connectionWindowBytes);
    this.#writer = writer;
    this.#streams = streams;
    this.#fullBytes = initialWindowBytes;
    this.#unread = unread;
    this.#connection = { receiveWindowBytes: this.connectionBytes, unrefundedBytes: 0 };
    this.#streamBytes = unread.limit(initialWindowBytes);
  }

  /** Of a new stream, as our SETTINGS are to say in the preface. */
  get streamBytes(): number {
    return this.#streamBytes;
  }

  /** Opens the connection's window to its full size: part of the preface. */
  open(): void {
    const increment = this.connectionBytes - defaultWindowBytes;
    if (increment > 0) this.#writer.windowUpdate(0, increment);
    this.#unread.listen(this.#listener);
  }

  /** Nothing more is read. */
  close(): void {
    this.#unread.unlisten(this.#listener);
  }

  /**
   * Gives the connection's bytes back as soon as they come: one reader that pauses must not stop all other streams. Each
   * stream's own window bounds what is held for it. Credit is so never short, and an overrun cannot be told from it.
   */
  receivedOnConnection(bytes: number): void {
    const increment = refund(this.#connection, bytes, this.connectionBytes);
    if (increment > 0) this.#writer.windowUpdate(0, increment);
  }

  /** So much of the stream was read, or was padding. */
  readOnStream(stream: WireStream, bytes: number): void {
    if (bytes > 0) this.#refund(stream, bytes);
  }

  #refund(stream: WireStream, bytes: number): void {
    if (stream.listener === undefined || stream.phase === responsePhase.ended) return;
    const increment = refund(stream, bytes, this.#streamBytes);
    if (increment > 0) this.#writer.windowUpdate(stream.id, increment);
  }

  #resize(): void {
    const bytes = this.#unread.limit(this.#fullBytes);
    if (bytes === this.#streamBytes) return;
    this.#streamBytes = bytes;
    this.#writer.settings([settingId.initialWindowSize, bytes]);
    // What was gathered towards half of a large window may be all of a small one: the peer would wait for us, and we for it.
    for (const stream of this.#streams.values()) this.#refund(stream, 0);
  }
}
