import { once } from "node:events";
import { type AddressInfo, createServer, type Server, type Socket } from "node:net";

/** A frame as a raw peer saw it. */
export interface SeenFrame {
  readonly type: number;
  readonly flags: number;
  readonly streamId: number;
  readonly payload: Buffer;
}

/** A server that speaks HTTP/2 frame by frame, as its test tells it to. */
export class RawPeer {
  readonly #server: Server;
  readonly #accepted: RawConnection[] = [];
  readonly #waiters: ((connection: RawConnection) => void)[] = [];
  readonly #sockets = new Set<Socket>();

  private constructor(server: Server) {
    this.#server = server;
    server.on("connection", (socket) => {
      this.#sockets.add(socket);
      socket.once("close", () => this.#sockets.delete(socket));
      const connection = new RawConnection(socket);
      const waiter = this.#waiters.shift();
      if (waiter === undefined) this.#accepted.push(connection);
      else waiter(connection);
    });
  }

  static async start(): Promise<RawPeer> {
    const server = createServer({ noDelay: true });
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    return new RawPeer(server);
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  /** The next connection that a client opens. */
  accept(): Promise<RawConnection> {
    const connection = this.#accepted.shift();
    if (connection !== undefined) return Promise.resolve(connection);
    return new Promise((resolve) => this.#waiters.push(resolve));
  }

  async close(): Promise<void> {
    const closed = new Promise((resolve) => this.#server.close(resolve));
    for (const socket of this.#sockets) socket.destroy();
    await closed;
  }
}

const prefaceBytes = 24;

/** One connection of a {@link RawPeer}. */
export class RawConnection {
  readonly socket: Socket;
  /** Every frame that came, oldest first. */
  readonly frames: SeenFrame[] = [];
  /** Resolves when the client has closed its side. */
  readonly ended: Promise<void>;
  #buffer = Buffer.alloc(0);
  #prefaceSeen = false;
  #waiters: { readonly matches: (frame: SeenFrame) => boolean; readonly resolve: (frame: SeenFrame) => void }[] = [];

  constructor(socket: Socket) {
    this.socket = socket;
    this.ended = new Promise((resolve) => {
      socket.once("end", resolve);
      socket.once("close", () => resolve());
    });
    socket.on("error", () => undefined);
    socket.on("data", (chunk: Buffer) => this.#read(chunk));
  }

  send(...parts: Uint8Array[]): void {
    if (!this.socket.destroyed) this.socket.write(Buffer.concat(parts));
  }

  /** The first frame that matches, of those that came and those to come. Rejects when the client closes before. */
  async frame(type: number, streamId?: number): Promise<SeenFrame> {
    const matches = (frame: SeenFrame) =>
      frame.type === type &&
      (frame.flags & 1) === (type === 4 || type === 6 ? 0 : frame.flags & 1) &&
      (streamId === undefined || frame.streamId === streamId);
    return this.matching(matches, `frame of type ${type}`);
  }

  async matching(matches: (frame: SeenFrame) => boolean, what = "frame"): Promise<SeenFrame> {
    const seen = this.frames.find(matches);
    if (seen !== undefined) return seen;
    const coming = new Promise<SeenFrame>((resolve) => this.#waiters.push({ matches, resolve }));
    const gone = this.ended.then(() => {
      const late = this.frames.find(matches);
      if (late === undefined) throw new Error(`the client closed the connection without a ${what}`);
      return late;
    });
    return Promise.race([coming, gone]);
  }

  /** Waits for the client's preface and SETTINGS, and answers with ours. */
  async handshake(settings: readonly number[] = []): Promise<void> {
    await this.frame(frameTypes.settings);
    this.send(settingsFrame(settings), settingsAck());
  }

  #read(chunk: Buffer): void {
    this.#buffer = Buffer.concat([this.#buffer, chunk]);
    if (!this.#prefaceSeen) {
      if (this.#buffer.length < prefaceBytes) return;
      this.#buffer = this.#buffer.subarray(prefaceBytes);
      this.#prefaceSeen = true;
    }
    while (this.#buffer.length >= 9) {
      const length = this.#buffer.readUIntBE(0, 3);
      if (this.#buffer.length < 9 + length) return;
      this.#seen({
        type: this.#buffer[3] as number,
        flags: this.#buffer[4] as number,
        streamId: this.#buffer.readUInt32BE(5),
        payload: this.#buffer.subarray(9, 9 + length),
      });
      this.#buffer = this.#buffer.subarray(9 + length);
    }
  }

  #seen(frame: SeenFrame): void {
    this.frames.push(frame);
    this.#waiters = this.#waiters.filter((waiter) => {
      if (!waiter.matches(frame)) return true;
      waiter.resolve(frame);
      return false;
    });
  }
}

export const frameTypes = {
  data: 0,
  headers: 1,
  priority: 2,
  rstStream: 3,
  settings: 4,
  pushPromise: 5,
  ping: 6,
  goaway: 7,
  windowUpdate: 8,
  continuation: 9,
} as const;

export const endStream = 0x1;
export const endHeaders = 0x4;
export const padded = 0x8;

export function frame(type: number, flags: number, streamId: number, payload: Uint8Array = Buffer.alloc(0)): Buffer {
  const header = Buffer.alloc(9);
  header.writeUIntBE(payload.length, 0, 3);
  header[3] = type;
  header[4] = flags;
  header.writeUInt32BE(streamId, 5);
  return Buffer.concat([header, payload]);
}

export function uint32(...values: number[]): Buffer {
  const bytes = Buffer.alloc(values.length * 4);
  for (const [i, value] of values.entries()) bytes.writeUInt32BE(value, i * 4);
  return bytes;
}

/** Identifiers and values in turn. */
export function settingsFrame(settings: readonly number[] = []): Buffer {
  const payload = Buffer.alloc(settings.length * 3);
  for (let i = 0; i < settings.length; i += 2) {
    payload.writeUInt16BE(settings[i] as number, i * 3);
    payload.writeUInt32BE(settings[i + 1] as number, i * 3 + 2);
  }
  return frame(frameTypes.settings, 0, 0, payload);
}

export function settingsAck(): Buffer {
  return frame(frameTypes.settings, 1, 0);
}

export function goawayFrame(lastStreamId: number, code: number, debug = ""): Buffer {
  return frame(frameTypes.goaway, 0, 0, Buffer.concat([uint32(lastStreamId, code), Buffer.from(debug)]));
}

export function rstFrame(streamId: number, code: number): Buffer {
  return frame(frameTypes.rstStream, 0, streamId, uint32(code));
}

export function windowUpdateFrame(streamId: number, increment: number): Buffer {
  return frame(frameTypes.windowUpdate, 0, streamId, uint32(increment));
}

export function dataFrame(streamId: number, data: Uint8Array, flags = 0): Buffer {
  return frame(frameTypes.data, flags, streamId, data);
}

/** DATA whose payload carries padding. */
export function paddedDataFrame(streamId: number, data: Uint8Array, paddingBytes: number, flags = 0): Buffer {
  const payload = Buffer.concat([Buffer.from([paddingBytes]), data, Buffer.alloc(paddingBytes)]);
  return frame(frameTypes.data, flags | padded, streamId, payload);
}

/** A header block of literals that no table keeps: names and values in turn. */
export function block(...fields: string[]): Buffer {
  const parts: Buffer[] = [];
  for (let i = 0; i < fields.length; i += 2) {
    parts.push(Buffer.from([0]), literal(fields[i] as string), literal(fields[i + 1] as string));
  }
  return Buffer.concat(parts);
}

function literal(text: string): Buffer {
  const bytes = Buffer.from(text, "latin1");
  if (bytes.length < 127) return Buffer.concat([Buffer.from([bytes.length]), bytes]);
  const length = [0x7f];
  let rest = bytes.length - 127;
  for (; rest >= 128; rest >>>= 7) length.push(0x80 | (rest & 0x7f));
  length.push(rest);
  return Buffer.concat([Buffer.from(length), bytes]);
}

export function headersFrame(streamId: number, payload: Uint8Array, flags: number = endHeaders): Buffer {
  return frame(frameTypes.headers, flags, streamId, payload);
}

export const okHead: Buffer = block(":status", "200", "content-type", "application/grpc");
export const okTrailers: Buffer = block("grpc-status", "0");

/** A whole response: headers, one DATA frame, trailers. */
export function response(streamId: number, data: Uint8Array = Buffer.from([0, 0, 0, 0, 0])): Buffer {
  return Buffer.concat([
    headersFrame(streamId, okHead),
    dataFrame(streamId, data),
    headersFrame(streamId, okTrailers, endHeaders | endStream),
  ]);
}
