import { type AddressInfo, createServer, type Server, type Socket } from "node:net";
import { frameTypes, settingsAck, settingsFrame } from "../../unit/http2/wire/raw-peer.ts";

/** What a hostile peer sends, on the newest stream of the client. */
export interface Flood {
  /** Sent once, ahead of the flood. */
  readonly before?: (streamId: number) => Buffer;
  /** Sent over and over. */
  readonly unit: (streamId: number) => Buffer;
  /** The units go on with what `before` began, whatever streams the client opens meanwhile. */
  readonly goesOn?: true;
  /** Units after which the client's limit is reached. */
  readonly limit: number;
}

/** How the flood of one connection went. */
export interface FloodOutcome {
  /** What the socket took, before and after the limit. */
  readonly units: number;
  readonly bytes: number;
  /** From the moment that more than the limit was written to the client's GOAWAY; undefined where none came. */
  readonly goawayAfterMs: number | undefined;
  readonly goawayCode: number | undefined;
  /** The same to the end of the connection. */
  readonly endedAfterMs: number;
}

/** Requests that are open when the first flood begins; the next ones begin with the first request. */
const openRequests = 10;

/** Written at once: large enough that the sender is never what limits the flood. */
const batchBytes = 65_536;

/**
 * A server that completes the handshake, waits for some requests, and then floods as fast as the socket takes it, until the
 * client is gone. It answers nothing. Every connection is treated alike.
 */
export class HostilePeer {
  readonly #server: Server;
  readonly #flood: Flood;
  readonly #sockets = new Set<Socket>();
  readonly #first: Promise<FloodOutcome>;
  #resolve!: (outcome: FloodOutcome) => void;
  #isFirst = true;

  private constructor(server: Server, flood: Flood) {
    this.#server = server;
    this.#flood = flood;
    this.#first = new Promise((resolve) => {
      this.#resolve = resolve;
    });
    server.on("connection", (socket: Socket) => this.#accept(socket));
  }

  static async start(flood: Flood): Promise<HostilePeer> {
    const server = createServer({ noDelay: true });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    return new HostilePeer(server, flood);
  }

  get address(): string {
    return `127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  /** How the first connection ended that was flooded. */
  get outcome(): Promise<FloodOutcome> {
    return this.#first;
  }

  async close(): Promise<void> {
    const closed = new Promise((resolve) => this.#server.close(resolve));
    for (const socket of this.#sockets) socket.destroy();
    await closed;
  }

  #accept(socket: Socket): void {
    this.#sockets.add(socket);
    socket.on("error", () => undefined);
    socket.write(Buffer.concat([settingsFrame(), settingsAck()]));
    const received = new ReceivedFrames();
    const firstId = this.#isFirst ? 2 * openRequests - 1 : 1;
    this.#isFirst = false;
    const pouring = new Pouring(socket, this.#flood);
    socket.on("data", (chunk: Buffer) => {
      received.push(chunk);
      if (received.streamId >= firstId) pouring.pour(received.streamId);
    });
    socket.on("drain", () => pouring.pour(received.streamId));
    socket.once("close", () => {
      this.#sockets.delete(socket);
      if (pouring.units > 0) this.#resolve(pouring.outcome(received));
    });
  }
}

/** The flood of one connection. */
class Pouring {
  units = 0;
  #bytes = 0;
  #limitMs = Number.POSITIVE_INFINITY;
  readonly #socket: Socket;
  readonly #flood: Flood;
  #streamId = 0;
  #batch: Buffer = Buffer.alloc(0);
  #batchUnits = 0;

  constructor(socket: Socket, flood: Flood) {
    this.#socket = socket;
    this.#flood = flood;
  }

  /** Writes until the socket takes no more. */
  pour(streamId: number): void {
    const socket = this.#socket;
    if (this.#streamId === 0 && this.#flood.before !== undefined) socket.write(this.#flood.before(streamId));
    if (this.#streamId === 0 || (this.#streamId !== streamId && !this.#flood.goesOn)) this.#aim(streamId);
    while (socket.writable && !socket.writableNeedDrain) {
      this.units += this.#batchUnits;
      this.#bytes += this.#batch.length;
      if (this.units > this.#flood.limit) this.#limitMs = Math.min(this.#limitMs, performance.now());
      socket.write(this.#batch);
    }
  }

  outcome({ goawayCode, goawayMs }: ReceivedFrames): FloodOutcome {
    const sinceLimit = (ms: number) => Math.max(0, ms - this.#limitMs);
    return {
      units: this.units,
      bytes: this.#bytes,
      goawayCode,
      goawayAfterMs: goawayMs === undefined ? undefined : sinceLimit(goawayMs),
      endedAfterMs: sinceLimit(performance.now()),
    };
  }

  #aim(streamId: number): void {
    this.#streamId = streamId;
    const unit = this.#flood.unit(streamId);
    this.#batchUnits = Math.ceil(batchBytes / unit.length);
    this.#batch = Buffer.concat(Array.from({ length: this.#batchUnits }, () => unit));
  }
}

const prefaceBytes = 24;

/** As much of what a client sends as a hostile peer wants to know. */
class ReceivedFrames {
  /** The newest stream whose HEADERS have come, or 0. */
  streamId = 0;
  goawayCode: number | undefined;
  goawayMs: number | undefined;
  #bytes: Buffer = Buffer.alloc(0);
  /** Bytes before the next frame. */
  #skip = prefaceBytes;

  push(chunk: Buffer): void {
    this.#bytes = Buffer.concat([this.#bytes, chunk]);
    while (this.#bytes.length >= this.#skip + 9) {
      const frame = this.#bytes.subarray(this.#skip);
      const length = frame.readUIntBE(0, 3);
      if (frame.length < 9 + length) return;
      if (frame[3] === frameTypes.headers) this.streamId = frame.readUInt32BE(5);
      if (frame[3] === frameTypes.goaway) {
        this.goawayCode = frame.readUInt32BE(13);
        this.goawayMs = performance.now();
      }
      this.#bytes = frame.subarray(9 + length);
      this.#skip = 0;
    }
  }
}
