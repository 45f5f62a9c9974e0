import type { Clock } from "../../runtime/clock.ts";
import type { Http2Limits } from "../limits.ts";
import type { LimitListener, UnreadMemory } from "../unread-memory.ts";
import type { FrameWriter } from "./frame-writer.ts";
import { defaultWindowBytes, settingId } from "./frames.ts";
import type { PendingPings } from "./pending-pings.ts";
import { WindowGrowth } from "./window-growth.ts";
import { type ReceiveWindow, refund } from "./windows.ts";
import { responsePhase, type WireStream } from "./wire-stream.ts";

/** The connection's parts that windows are given with. */
export interface WindowParts {
  readonly writer: FrameWriter;
  readonly streams: ReadonlyMap<number, WireStream>;
  readonly unread: UnreadMemory;
  readonly clock: Clock;
  readonly pings: PendingPings;
}

/**
 * What all streams of a connection are allowed together by windows that grow, and up to twice that until they are resized:
 * where nobody reads, all of it is held.
 */
const allStreamsBytes = 67_108_864;

/**
 * Gives the peer credit: for each stream as its bytes are read, and less of it while much is unread on the whole. Then
 * our SETTINGS make the window of every stream small (RFC 9113 §6.9.2), those of unread ones negative: nothing comes on
 * them until they have been read. Our own account of a stream stays at its full size meanwhile. It is above the peer's by
 * what the SETTINGS took, so that a peer may still send what was allowed before it heard of them.
 */
export class ReceiveWindows {
  readonly #writer: FrameWriter;
  readonly #streams: ReadonlyMap<number, WireStream>;
  readonly #unread: UnreadMemory;
  readonly #connection: ReceiveWindow;
  readonly #growth: WindowGrowth | undefined;
  readonly #listener: LimitListener = { onLimitChanged: () => this.#resize() };
  /** Of the connection and of a stream, as long as memory is not short. */
  #connectionBytes: number;
  #fullBytes: number;
  /** As it was announced for each stream. */
  #streamBytes: number;

  constructor({ writer, streams, unread, clock, pings }: WindowParts, limits: Http2Limits) {
    const { initialWindowBytes, connectionWindowBytes, windowsGrow } = limits;
    const maxBytes = Math.max(defaultWindowBytes, connectionWindowBytes);
    this.#connectionBytes = windowsGrow ? defaultWindowBytes : maxBytes;
    this.#fullBytes = windowsGrow ? defaultWindowBytes : initialWindowBytes;
    this.#writer = writer;
    this.#streams = streams;
    this.#unread = unread;
    this.#connection = { receiveWindowBytes: this.#connectionBytes, unrefundedBytes: 0 };
    this.#streamBytes = unread.limit(this.#fullBytes);
    if (!windowsGrow) return;
    this.#growth = new WindowGrowth(clock, defaultWindowBytes, maxBytes, {
      ask: (onAnswer) => writer.ping(pings.add(onAnswer)),
      grow: (bytes) => this.#grow(bytes),
    });
  }

  /** What the connection's window is now. */
  get connectionBytes(): number {
    return this.#connectionBytes;
  }

  /** What a new stream's window is by our account. */
  get fullBytes(): number {
    return this.#fullBytes;
  }

  /** PINGs that were sent for the growth of windows. */
  get pings(): number {
    return this.#growth?.pings ?? 0;
  }

  /** Of a new stream, as our SETTINGS are to say in the preface. */
  get streamBytes(): number {
    return this.#streamBytes;
  }

  /** Opens the connection's window to its full size: part of the preface. */
  open(): void {
    const increment = this.#connectionBytes - defaultWindowBytes;
    if (increment > 0) this.#writer.windowUpdate(0, increment);
    this.#unread.listen(this.#listener);
  }

  /** The peer answered our SETTINGS, which left so long ago. */
  tookRoundTrip(ms: number): void {
    this.#growth?.tookRoundTrip(ms);
  }

  /**
   * There is one more stream, whose request leaves after what this writes. Windows become smaller at every doubling of the
   * streams, and not with each of them.
   */
  opened(): void {
    if (this.#growth === undefined || this.#streamBytes <= defaultWindowBytes) return;
    if (this.#streams.size * this.#streamBytes >= 2 * allStreamsBytes) this.#resize();
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
    const increment = refund(this.#connection, bytes, this.#connectionBytes);
    if (increment === 0) return;
    this.#writer.windowUpdate(0, increment);
    this.#growth?.credited(bytes);
    // There were more streams when the windows grew.
    if (this.#wantedBytes() >= 2 * this.#streamBytes) this.#resize();
  }

  /** So much of the stream was read, or was padding. */
  readOnStream(stream: WireStream, bytes: number): void {
    if (bytes === 0) return;
    if (this.#growth !== undefined) this.#growth.readBytes += bytes;
    this.#refund(stream, bytes);
  }

  #refund(stream: WireStream, bytes: number): void {
    if (stream.listener === undefined || stream.phase === responsePhase.ended) return;
    const increment = refund(stream, bytes, this.#streamBytes);
    if (increment > 0) this.#writer.windowUpdate(stream.id, increment);
  }

  /** All windows, of open streams too, as of now by our account: by the peer's once it has heard of it. */
  #grow(bytes: number): void {
    const difference = bytes - this.#fullBytes;
    this.#fullBytes = bytes;
    this.#connectionBytes = bytes;
    this.#connection.receiveWindowBytes += difference;
    this.#writer.windowUpdate(0, difference);
    for (const stream of this.#streams.values()) stream.receiveWindowBytes += difference;
    this.#resize();
  }

  #wantedBytes(): number {
    const bytes = this.#unread.limit(this.#fullBytes);
    if (this.#growth === undefined) return bytes;
    const shareBytes = Math.floor(allStreamsBytes / Math.max(1, this.#streams.size));
    return Math.min(bytes, Math.max(defaultWindowBytes, shareBytes));
  }

  #resize(): void {
    const bytes = this.#wantedBytes();
    if (bytes === this.#streamBytes) return;
    this.#streamBytes = bytes;
    this.#writer.settings([settingId.initialWindowSize, bytes]);
    // What was gathered towards a quarter of a large window may be all of a small one: the peer would wait for us, and we for it.
    for (const stream of this.#streams.values()) this.#refund(stream, 0);
  }
}
