import { createServer, type Server, type Socket } from "node:net";
import { createServer as createTlsServer, type TlsOptions } from "node:tls";
import { resetSocket } from "../../src/testing/backends/reset-socket.ts";

/** Frame types of RFC 9113 §6. */
export const frameType = {
  data: 0,
  headers: 1,
  rstStream: 3,
  settings: 4,
  ping: 6,
  goaway: 7,
  windowUpdate: 8,
} as const;

const endStream = 0x1;
const endHeaders = 0x4;
const ack = 0x1;

/** Identifiers of SETTINGS. */
export const setting = { maxConcurrentStreams: 3, initialWindowSize: 4, maxHeaderListSize: 6 } as const;

/** What a scripted peer does; whatever is left out, it does as a polite server would. */
export interface FramePeerOptions {
  /** Default 127.0.0.1. */
  readonly host?: string;
  /** A path instead of a port. */
  readonly path?: string;
  /** Behind TLS. */
  readonly tls?: TlsOptions;
  /** Its first SETTINGS, identifier and value in turn; `false`: it never sends any. Default: empty. */
  readonly settings?: readonly number[] | false;
  /** Default true. */
  readonly answersPings?: boolean;
  /** A request's HEADERS came. `index` counts the requests to this peer from 0. */
  readonly onHeaders?: (request: PeerRequest, index: number) => void;
  /** A whole request came. */
  readonly onRequest?: (request: PeerRequest, index: number) => void;
  readonly onConnection?: (connection: PeerConnection) => void;
  /** A frame came, whatever it is: told before all of the above, but `onConnection`. */
  readonly onFrame?: (connection: PeerConnection, frame: ReceivedFrame) => void;
}

export type ReceivedFrame = readonly [type: number, flags: number, streamId: number, payload: Buffer];

/** A server on bare sockets that says exactly the frames a test wants. */
export interface FramePeer {
  /** `host:port`, or `unix:path`. */
  readonly address: string;
  /** Accepted so far, in order; closed ones too. */
  readonly connections: readonly PeerConnection[];
  /** Requests whose HEADERS came. */
  readonly requests: readonly PeerRequest[];
  close(): Promise<void>;
}

/** Starts a frame peer. */
export async function startFramePeer(options: FramePeerOptions = {}): Promise<FramePeer> {
  const connections: PeerConnection[] = [];
  const requests: PeerRequest[] = [];
  const raw = new Set<Socket>();
  const accept = (socket: Socket) => {
    // A TLSSocket cannot send a RST: that is done below it.
    const tcp = [...raw].find(({ remotePort }) => remotePort === socket.remotePort) ?? socket;
    const connection = new PeerConnection(socket, tcp, options, requests);
    connections.push(connection);
    options.onConnection?.(connection);
  };
  const server: Server =
    options.tls === undefined
      ? createServer(accept)
      : createTlsServer({ ALPNProtocols: ["h2"], ...options.tls }, accept).on("tlsClientError", () => undefined);
  // Before the listener above, which looks for it.
  server.prependListener("connection", (socket: Socket) => {
    raw.add(socket);
    socket.on("error", () => undefined);
    socket.once("close", () => raw.delete(socket));
  });
  const { host = "127.0.0.1", path } = options;
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    if (path === undefined) server.listen(0, host, resolve);
    else server.listen(path, resolve);
  });
  const bound = server.address();
  return {
    address: typeof bound === "object" && bound !== null ? `${host}:${bound.port}` : `unix:${path}`,
    connections,
    requests,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        for (const socket of raw) socket.destroy();
      }),
  };
}

/** The peer's end of one connection. */
export class PeerConnection {
  readonly socket: Socket;
  readonly #tcp: Socket;
  /** Frames that came. */
  readonly received: ReceivedFrame[] = [];
  /** Streams that are open now, and the most that were at once. */
  readonly open = new Set<number>();
  maxOpen = 0;
  readonly #options: FramePeerOptions;
  readonly #requests: PeerRequest[];
  readonly #byId = new Map<number, PeerRequest>();
  #bytes: Buffer = Buffer.alloc(0);
  #hasPreface = false;
  #settingsSent = false;
  /** SETTINGS of the client that wait for an ACK, because the peer's own come first. */
  #acksOwed = 0;

  constructor(socket: Socket, tcp: Socket, options: FramePeerOptions, requests: PeerRequest[]) {
    this.socket = socket;
    this.#tcp = tcp;
    this.#options = options;
    this.#requests = requests;
    socket.on("error", () => undefined);
    // A script writes many small frames, and none of them should wait for an ACK.
    socket.setNoDelay(true);
    socket.on("data", (chunk) => this.#read(chunk));
    if (options.settings !== false) this.settings(options.settings ?? []);
  }

  /** PINGs that came. */
  get pings(): number {
    return this.received.filter(([type, flags]) => type === frameType.ping && (flags & ack) === 0).length;
  }

  frame(type: number, flags: number, streamId: number, payload: Uint8Array = Buffer.alloc(0)): void {
    this.write(frameBytes(type, flags, streamId, payload));
  }

  write(bytes: Uint8Array | string): void {
    if (this.socket.writable) this.socket.write(bytes);
  }

  settings(pairs: readonly number[]): void {
    const payload = Buffer.alloc(pairs.length * 3);
    for (let i = 0; i < pairs.length; i += 2) {
      payload.writeUInt16BE(pairs[i] as number, i * 3);
      payload.writeUInt32BE(pairs[i + 1] as number, i * 3 + 2);
    }
    this.frame(frameType.settings, 0, 0, payload);
    this.#settingsSent = true;
    this.#acknowledge();
  }

  goaway(lastStreamId: number, code = 0, debug = ""): void {
    const head = Buffer.alloc(8);
    head.writeUInt32BE(lastStreamId, 0);
    head.writeUInt32BE(code, 4);
    this.frame(frameType.goaway, 0, 0, Buffer.concat([head, Buffer.from(debug)]));
  }

  /** Ends with a TCP RST. */
  abort(): void {
    resetSocket(this.#tcp);
  }

  streamEnded(id: number): void {
    this.open.delete(id);
  }

  #acknowledge(): void {
    for (; this.#settingsSent && this.#acksOwed > 0; this.#acksOwed--) this.frame(frameType.settings, ack, 0);
  }

  #read(chunk: Buffer): void {
    this.#bytes = Buffer.concat([this.#bytes, chunk]);
    if (!this.#hasPreface) {
      if (this.#bytes.length < preface.length) return;
      this.#hasPreface = true;
      this.#bytes = this.#bytes.subarray(preface.length);
    }
    while (this.#bytes.length >= 9) {
      const length = this.#bytes.readUIntBE(0, 3);
      if (this.#bytes.length < 9 + length) return;
      const type = this.#bytes.readUInt8(3);
      const flags = this.#bytes.readUInt8(4);
      const streamId = this.#bytes.readUInt32BE(5);
      const payload = this.#bytes.subarray(9, 9 + length);
      this.#bytes = this.#bytes.subarray(9 + length);
      const frame: ReceivedFrame = [type, flags, streamId, payload];
      this.received.push(frame);
      this.#options.onFrame?.(this, frame);
      this.#answer(type, flags, streamId, payload);
    }
  }

  #answer(type: number, flags: number, streamId: number, payload: Buffer): void {
    if (type === frameType.settings && (flags & ack) === 0) {
      this.#acksOwed++;
      this.#acknowledge();
    }
    if (type === frameType.ping && (flags & ack) === 0 && this.#options.answersPings !== false) {
      this.frame(frameType.ping, ack, 0, payload);
    }
    if (type === frameType.headers) {
      const request = new PeerRequest(this, streamId);
      this.#byId.set(streamId, request);
      this.#requests.push(request);
      this.open.add(streamId);
      this.maxOpen = Math.max(this.maxOpen, this.open.size);
      this.#options.onHeaders?.(request, this.#requests.length - 1);
    }
    const request = this.#byId.get(streamId);
    if (request === undefined) return;
    if (type === frameType.rstStream) {
      request.resetCode = payload.readUInt32BE(0);
      this.streamEnded(streamId);
    }
    if ((type === frameType.headers || type === frameType.data) && (flags & endStream) !== 0) {
      request.isComplete = true;
      this.#options.onRequest?.(request, this.#requests.indexOf(request));
    }
  }
}

/** One request, and the means to answer it. */
export class PeerRequest {
  readonly connection: PeerConnection;
  readonly id: number;
  /** Its END_STREAM came. */
  isComplete = false;
  /** The code the client reset it with. */
  resetCode: number | undefined;

  constructor(connection: PeerConnection, id: number) {
    this.connection = connection;
    this.id = id;
  }

  /** Response headers; by default those of a gRPC response. */
  headers(fields: readonly string[] = grpcHeaders, flags = endHeaders): void {
    this.connection.frame(frameType.headers, flags, this.id, headerBlock(fields));
  }

  /** One gRPC message: an empty protobuf message by default. `slice` cuts its bytes. */
  message(payload: Uint8Array = Buffer.alloc(0), slice?: number): void {
    const framed = Buffer.concat([Buffer.alloc(5), payload]);
    framed.writeUInt32BE(payload.length, 1);
    this.data(framed.subarray(0, slice));
  }

  data(bytes: Uint8Array, isLast = false): void {
    this.connection.frame(frameType.data, isLast ? endStream : 0, this.id, bytes);
    if (isLast) this.connection.streamEnded(this.id);
  }

  trailers(fields: readonly string[] = ["grpc-status", "0"]): void {
    this.connection.frame(frameType.headers, endHeaders | endStream, this.id, headerBlock(fields));
    this.connection.streamEnded(this.id);
  }

  /** A whole response with status OK. */
  ok(): void {
    this.headers();
    this.message();
    this.trailers();
  }

  reset(code: number): void {
    const payload = Buffer.alloc(4);
    payload.writeUInt32BE(code);
    this.connection.frame(frameType.rstStream, 0, this.id, payload);
    this.connection.streamEnded(this.id);
  }
}

const preface = Buffer.from("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");

/** Fields of a gRPC response's head. */
export const grpcHeaders: readonly string[] = [":status", "200", "content-type", "application/grpc+proto"];

/** The bytes of a frame. */
function frameBytes(type: number, flags: number, streamId: number, payload: Uint8Array): Buffer {
  const head = Buffer.alloc(9);
  head.writeUIntBE(payload.length, 0, 3);
  head.writeUInt8(type, 3);
  head.writeUInt8(flags, 4);
  head.writeUInt32BE(streamId, 5);
  return Buffer.concat([head, payload]);
}

/** A header block of literals without indexing (RFC 7541 §6.2.2), names and values in turn. */
export function headerBlock(fields: readonly string[]): Buffer {
  const pieces: Buffer[] = [];
  for (const [i, text] of fields.entries()) {
    if (i % 2 === 0) pieces.push(Buffer.from([0]));
    const bytes = Buffer.from(text, "latin1");
    pieces.push(lengthPrefix(bytes.length), bytes);
  }
  return Buffer.concat(pieces);
}

/** An integer with a 7-bit prefix (RFC 7541 §5.1). */
function lengthPrefix(length: number): Buffer {
  if (length < 127) return Buffer.from([length]);
  const bytes = [127];
  let rest = length - 127;
  for (; rest >= 128; rest = Math.floor(rest / 128)) bytes.push((rest % 128) + 128);
  bytes.push(rest);
  return Buffer.from(bytes);
}
