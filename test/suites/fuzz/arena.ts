import { subscribe, unsubscribe } from "node:diagnostics_channel";
import { once } from "node:events";
import { type AddressInfo, createServer, type Server, type Socket } from "node:net";
import { resetSocket } from "../../../src/testing/backends/reset-socket.ts";
import { frameTypes } from "../../unit/http2/wire/raw-peer.ts";
import { describeFrame, type Frame, readFrames } from "./frames.ts";

const prefaceBytes = 24;

/** A listening socket that all cases of a run share. The engines dial it by themselves, as they would any server. */
export class Arena {
  readonly #server: Server;
  /** Sockets the server took, by the client's port; or who waits for one. */
  readonly #accepted = new Map<number, Socket>();
  readonly #waiting = new Map<number, (socket: Socket) => void>();
  readonly #sockets = new Set<Socket>();

  private constructor(server: Server) {
    this.#server = server;
    server.on("connection", (socket) => {
      this.#sockets.add(socket);
      socket.once("close", () => this.#sockets.delete(socket));
      socket.on("error", () => undefined);
      const port = socket.remotePort as number;
      const waiter = this.#waiting.get(port);
      this.#waiting.delete(port);
      if (waiter === undefined) this.#accepted.set(port, socket);
      else waiter(socket);
    });
  }

  static async start(): Promise<Arena> {
    const server = createServer({ noDelay: true });
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    return new Arena(server);
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  /** Runs `connect`, which dials this server at once, and catches the socket it dials with. */
  dial<T>(connect: () => T): { readonly dialled: T; readonly client: Socket; readonly peer: Promise<Peer> } {
    let client: Socket | undefined;
    const onSocket = (message: unknown) => {
      client = (message as { socket: Socket }).socket;
    };
    subscribe("net.client.socket", onSocket);
    const dialled = connect();
    unsubscribe("net.client.socket", onSocket);
    if (client === undefined) throw new Error("the engine has not dialled at once");
    const socket = client;
    const peer = once(socket, "connect").then(async () => new Peer(await this.#accept(socket.localPort as number)));
    return { dialled, client, peer };
  }

  async close(): Promise<void> {
    const closed = new Promise((resolve) => this.#server.close(resolve));
    for (const socket of this.#sockets) socket.destroy();
    await closed;
  }

  #accept(port: number): Promise<Socket> {
    const socket = this.#accepted.get(port);
    this.#accepted.delete(port);
    if (socket !== undefined) return Promise.resolve(socket);
    return new Promise((resolve) => this.#waiting.set(port, resolve));
  }
}

/** What an engine told its peer, as facts to compare. */
export interface Told {
  /** Streams whose HEADERS came. */
  readonly requests: ReadonlySet<number>;
  /** DATA bytes by stream. */
  readonly bodyBytes: ReadonlyMap<number, number>;
  /** Streams whose request side was ended. */
  readonly ended: ReadonlySet<number>;
  /** The last code by stream. */
  readonly resets: ReadonlyMap<number, number>;
  /** Codes of GOAWAY, in order. */
  readonly goaways: readonly number[];
  readonly pingAnswers: number;
  readonly settingsAnswers: number;
  /** The client broke a rule that a server would see. */
  readonly problems: readonly string[];
}

/** The server's end: sends what it is told to, and keeps account of what the client says. */
export class Peer implements Told {
  readonly requests = new Set<number>();
  readonly bodyBytes = new Map<number, number>();
  readonly ended = new Set<number>();
  readonly resets = new Map<number, number>();
  readonly goaways: number[] = [];
  readonly problems: string[] = [];
  pingAnswers = 0;
  settingsAnswers = 0;
  bytesSent = 0;
  hasEnded = false;
  readonly #socket: Socket;
  #unread: Buffer = Buffer.alloc(0);
  #prefaceSeen = false;

  constructor(socket: Socket) {
    this.#socket = socket;
    socket.on("data", (chunk: Buffer) => this.#read(chunk));
  }

  get prefaceSeen(): boolean {
    return this.#prefaceSeen;
  }

  get isGone(): boolean {
    return this.#socket.destroyed;
  }

  /** The client has declared the connection broken. */
  get isCondemned(): boolean {
    return this.goaways.some((code) => code !== 0);
  }

  send(bytes: Buffer): void {
    if (this.hasEnded || !this.#socket.writable) return;
    this.bytesSent += bytes.length;
    this.#socket.write(bytes);
  }

  end(way: "fin" | "rst"): void {
    if (this.hasEnded) return;
    this.hasEnded = true;
    if (way === "fin") this.#socket.end();
    else resetSocket(this.#socket);
  }

  /** What was told until now. */
  snapshot(): Told {
    const { requests, bodyBytes, ended, resets, goaways, pingAnswers, settingsAnswers, problems } = this;
    return {
      requests: new Set(requests),
      bodyBytes: new Map(bodyBytes),
      ended: new Set(ended),
      resets: new Map(resets),
      goaways: [...goaways],
      pingAnswers,
      settingsAnswers,
      problems: [...problems],
    };
  }

  destroy(): void {
    this.#socket.destroy();
  }

  #read(chunk: Buffer): void {
    this.#unread = this.#unread.length === 0 ? chunk : Buffer.concat([this.#unread, chunk]);
    if (!this.#prefaceSeen) {
      if (this.#unread.length < prefaceBytes) return;
      this.#unread = this.#unread.subarray(prefaceBytes);
      this.#prefaceSeen = true;
    }
    const { frames, rest } = readFrames(this.#unread);
    this.#unread = rest;
    for (const frame of frames) this.#note(frame);
  }

  #note(frame: Frame): void {
    const { type, flags, streamId, payload } = frame;
    if (streamId !== 0 && this.resets.has(streamId))
      this.problems.push(`sent ${describeFrame(frame)} after RST_STREAM`);
    if (type === frameTypes.headers) this.requests.add(streamId);
    else if (type === frameTypes.rstStream) this.resets.set(streamId, payload.readUInt32BE(0));
    else if (type === frameTypes.goaway) this.goaways.push(payload.readUInt32BE(4));
    else if (type === frameTypes.ping && flags === 1) this.pingAnswers++;
    else if (type === frameTypes.settings && flags === 1) this.settingsAnswers++;
    if (type === frameTypes.data) {
      if (this.ended.has(streamId)) this.problems.push(`sent ${describeFrame(frame)} after END_STREAM`);
      this.bodyBytes.set(streamId, (this.bodyBytes.get(streamId) ?? 0) + payload.length);
    }
    if ((type === frameTypes.data || type === frameTypes.headers) && (flags & 1) === 1) this.ended.add(streamId);
  }
}
