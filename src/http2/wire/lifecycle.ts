import { type Failure, withProgress } from "../../base/errors.ts";
import { queueMicrotask } from "../../runtime/microtask.ts";
import type { Connection } from "../connection.ts";
import type { Handshake } from "../dial/dial.ts";
import { type Goaway, goawayFailure, http2ErrorCode } from "../error-codes.ts";
import type { UnreadMemory } from "../unread-memory.ts";
import { type Breach, breached, closed, drained, type Ending, lost } from "./endings.ts";
import type { FrameWriter } from "./frame-writer.ts";
import type { RequestSender } from "./request-sender.ts";
import type { WireSocket } from "./wire-socket.ts";
import type { WireStream } from "./wire-stream.ts";

/**
 * ```
 * dialing ──▶ open ──▶ retiring ──▶ draining ──▶ over
 * ```
 * Only forward; any but the last may be skipped. `dialing`: until the peer's first SETTINGS. `open`: takes streams.
 * `retiring`: takes none, and drains or ends as soon as the calls on the stack have returned. `draining`: ends with its
 * last stream.
 */
type State = (typeof states)[number];

const states = ["dialing", "open", "retiring", "draining", "over"] as const;

/** The connection that lives, who is told of that, and what ends with it. */
export interface LifecycleParts {
  readonly connection: Connection;
  readonly socket: WireSocket;
  readonly writer: FrameWriter;
  readonly sender: RequestSender;
  readonly unread: UnreadMemory;
  /** Nothing that the peer sends matters any more. */
  readonly stopReading: () => void;
  /** Streams after which the connection retires. */
  readonly maxStreams: number;
}

/** The life of a connection, from the dial to the last word to its listener, and the streams that are open meanwhile. */
export class Lifecycle {
  /** The peer, as failures name it. */
  readonly address: string;
  /** Streams that are open. */
  readonly streams: Map<number, WireStream> = new Map();
  readonly #parts: LifecycleParts;
  /** While the state is `dialing`: what the dial was made of is not kept for longer. */
  #handshake: Handshake | undefined;
  #state: State = "dialing";
  #nextStreamId = 1;
  #goaway: Goaway | undefined;
  #drainingTold = false;
  #capacityDue = false;

  constructor(handshake: Handshake, parts: LifecycleParts) {
    this.address = handshake.address;
    this.#handshake = handshake;
    this.#parts = parts;
  }

  /** New streams are welcome. */
  get isOpen(): boolean {
    return this.#state === "open";
  }

  get isOver(): boolean {
    return this.#state === "over";
  }

  /** What the peer said, if it did: the least that it left us. */
  get goaway(): Goaway | undefined {
    return this.#goaway;
  }

  get streamsStarted(): number {
    return (this.#nextStreamId - 1) / 2;
  }

  /** True for stream ids that nobody has used. */
  isIdle(streamId: number): boolean {
    return streamId >= this.#nextStreamId || (streamId & 1) === 0;
  }

  /** The id of a new stream (RFC 9113 §5.1.1). The last one there is retires the connection. */
  takeStreamId(): number {
    const id = this.#nextStreamId;
    this.#nextStreamId = id + 2;
    if (id + 2 > this.#parts.maxStreams * 2) this.#retire();
    return id;
  }

  /** The peer's SETTINGS have been applied: the first settle the dial, others may have made room for streams. */
  settingsApplied(): void {
    const [handshake, { connection, stopReading, writer }] = [this.#handshake, this.#parts];
    if (handshake === undefined) {
      connection.listener.onCapacity();
      return;
    }
    this.#handshake = undefined;
    this.#enter("open");
    if (handshake.succeed(connection)) return;
    // The dial was given up, and the socket with it.
    this.#enter("over");
    stopReading();
    writer.close();
  }

  /** Takes no new streams, and ends once the open ones have ended. */
  drain(): void {
    if (this.#state === "over") return;
    this.#enter("draining");
    this.#endIfDrained();
  }

  /** Ends the connection from this side. */
  close(failure: Failure): void {
    if (this.#state === "over") return;
    if (this.#state === "open") this.#enter("retiring");
    this.#parts.stopReading();
    // Not from inside this call: whoever closes one connection may be walking over many.
    queueMicrotask(() => this.#end(closed(failure)));
  }

  /** The peer ends the connection, now or once the streams that it left us are over. */
  goawayReceived(received: Goaway): void {
    // A later GOAWAY may take back more, never less (RFC 9113 §6.8).
    const lastStreamId = Math.min(received.lastStreamId, this.#goaway?.lastStreamId ?? received.lastStreamId);
    const goaway = { ...received, lastStreamId };
    this.#goaway = goaway;
    this.#enter("draining");
    this.#tellDraining();
    this.#refuse(goaway);
    // Nothing good comes after an error: the peer is about to close, and what is open would wait for that in vain.
    if (goaway.code !== http2ErrorCode.noError) this.lost(undefined);
    else this.#endIfDrained();
  }

  /** What the peer did ends the connection. */
  breach(breach: Breach): void {
    this.#end(breached(this.address, breach));
  }

  /** Ends the connection because there is no use in the socket. Without a cause the peer closed it. */
  lost(cause: unknown): void {
    this.#end(lost(this.address, this.#goaway, cause));
  }

  /** The stream is over, and known no more. Who calls this tells the listener, and then {@link streamClosed}. */
  forget(stream: WireStream): void {
    stream.listener = undefined;
    if (stream.held !== undefined) this.#parts.unread.remove(stream.heldBytes);
    stream.held = undefined;
    stream.heldBytes = 0;
    this.#parts.sender.drop(stream);
    this.streams.delete(stream.id);
  }

  /** The stream is over, and its listener hears so. */
  finish(stream: WireStream, failure: Failure | undefined): void {
    const { listener } = stream;
    this.forget(stream);
    listener?.onClosed(failure);
    this.streamClosed();
  }

  /** There is one stream less. */
  streamClosed(): void {
    if (this.#state === "over") return;
    this.#parts.connection.listener.onCapacity();
    if (this.#state === "draining") this.#endIfDrained();
  }

  /** The same, for those from whose calls no callback may come. */
  streamClosedLater(): void {
    if (this.#capacityDue) return;
    this.#capacityDue = true;
    queueMicrotask(() => {
      this.#capacityDue = false;
      this.streamClosed();
    });
  }

  /** Once: of a GOAWAY for a connection that has retired nobody needs to hear. */
  #tellDraining(): void {
    if (!this.#drainingTold) this.#parts.connection.listener.onDraining(this.#goaway);
    this.#drainingTold = true;
  }

  /** Only forward: what comes late changes nothing. */
  #enter(state: State): void {
    if (states.indexOf(state) > states.indexOf(this.#state)) this.#state = state;
  }

  /** Streams above the last id will not be processed. Those that have not left yet never will. */
  #refuse(goaway: Goaway): void {
    const refused = [...this.streams.values()].filter(({ id }) => id > goaway.lastStreamId);
    if (refused.length === 0) return;
    const { writer, sender } = this.#parts;
    const { batch } = writer;
    const withdrawnBytes = writer.withdrawAbove(goaway.lastStreamId);
    for (const stream of refused) {
      const failure = goawayFailure(this.address, goaway, stream.id);
      this.finish(stream, stream.batch === batch ? withProgress(failure, "unsent") : failure);
    }
    // Uploads that the peer still takes have this much more room again.
    sender.growConnection(withdrawnBytes);
  }

  #retire(): void {
    this.#enter("retiring");
    queueMicrotask(() => {
      if (this.#state !== "over") this.#tellDraining();
      this.drain();
    });
  }

  #endIfDrained(): void {
    if (this.#state === "over" || this.streams.size > 0) return;
    queueMicrotask(() => {
      if (this.streams.size === 0) this.#end(drained(this.address));
    });
  }

  #end({ failureOf, goaway, toldFailure, dialError, isAskedFor }: Ending): void {
    if (this.#state === "over") return;
    const { connection, socket, stopReading, writer } = this.#parts;
    const [handshake, { batch }] = [this.#handshake, writer];
    this.#handshake = undefined;
    this.#enter("over");
    stopReading();
    // Requests of this batch have not left, and now never will: that is what makes them unsent. Without streams there is
    // nothing to take back: what waits may be the cancellation of the last one.
    if (this.streams.size > 0) writer.discard();
    if (goaway !== undefined) {
      writer.goaway(goaway.code, goaway.debug);
      writer.flush();
    }
    writer.close();
    if (goaway === undefined) socket.destroy();
    else socket.end();
    if (handshake !== undefined) {
      handshake.fail(dialError);
      return;
    }
    for (const stream of [...this.streams.values()]) {
      this.finish(stream, failureOf(stream.id, stream.batch === batch ? "unsent" : "unknown"));
    }
    if (isAskedFor) socket.whenClosed(() => connection.listener.onClosed(toldFailure));
    else connection.listener.onClosed(toldFailure);
  }
}
