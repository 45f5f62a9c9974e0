import type { Socket } from "node:net";
import type { TLSSocket } from "node:tls";
import type { Failure } from "../../base/errors.ts";
import { describeCause } from "../../base/thrown.ts";
import { type Address, formatAddress } from "../../endpoint/address.ts";
import type { PendingDial, TargetHistory } from "../../endpoint/target.ts";
import { queueMicrotask } from "../../runtime/microtask.ts";
import type { Runtime } from "../../runtime/runtime.ts";
import { type Connection, DialError } from "../connection.ts";
import { type ChunkListener, listenToStream, SocketInput } from "../socket-input.ts";
import { connectTimeoutFailure, type DialStage, dialFailure, dialSteps, explainDial, noH2 } from "./dial-failure.ts";
import { openSocket, type SocketOptions } from "./open-socket.ts";
import { socketFactsOf } from "./socket-facts.ts";

/** What every dial of one transport has in common, whichever engine speaks HTTP/2 on the socket. */
export interface DialOptions extends SocketOptions {
  /** For TCP, TLS and the peer's first SETTINGS together. */
  readonly connectTimeoutMs: number;
  readonly runtime: Runtime;
  readonly history: TargetHistory;
  /** The memory to read into, of an engine that reads by itself ({@link Handshake.read}). */
  readonly readBuffer?: Buffer;
}

/**
 * A TCP connect that nobody waits for is given up after this long, because it keeps the process alive. Once TCP is
 * connected nothing of the dial does, and it goes on: the next call may find it done.
 */
const abandonAfterMs = 1_000;

/** What an engine does with a connected socket: speak its preface, then settle the dial. */
export interface Handshake {
  /** Has an error listener from birth to close: no event of it can be an uncaught exception. */
  readonly socket: Socket;
  readonly address: string;
  /** From now on `listener` hears of what the peer sends. For an engine that reads by itself; once. */
  read(listener: ChunkListener): void;
  /** The peer's SETTINGS came: the dial is over. Returns false when it was already given up. */
  succeed(connection: Connection): boolean;
  /** The peer sent something that is no HTTP/2, or nothing more. */
  fail(cause: unknown): void;
}

/**
 * Dials `address` and hands the connected socket to `start`, which settles the dial. Everything that can go wrong on
 * the way rejects with a {@link DialError}; the socket is destroyed then.
 */
export function dial(
  options: DialOptions,
  address: Address,
  signal: AbortSignal,
  start: (handshake: Handshake) => void,
): Promise<Connection> {
  return new Promise((resolve, reject) => {
    const { createConnection, readBuffer } = options;
    const isOurs = createConnection === undefined;
    const input = isOurs && readBuffer !== undefined ? new SocketInput(readBuffer) : undefined;
    let opened: OpenedSocket;
    try {
      opened = { socket: openSocket(options, address, input), input, address: formatAddress(address) };
    } catch (cause) {
      // createConnection threw, or an option of tls.connect is wrong.
      reject(new DialError(dialFailure(formatAddress(address), `cannot connect: ${describeCause(cause)}`, cause)));
      return;
    }
    new Dialing(options, opened, signal, { resolve, reject }).begin(start);
  });
}

/** A socket on its way to `address`. */
interface OpenedSocket {
  readonly socket: Socket;
  /** Where the socket reads into memory of ours. */
  readonly input: SocketInput | undefined;
  readonly address: string;
}

/** Settles the dial's promise. */
interface DialOutcome {
  resolve(connection: Connection): void;
  reject(error: DialError): void;
}

/** What a socket says of itself before it is ready. A Duplex from createConnection says nothing, and is ready. */
interface PendingSocket {
  readonly connecting?: boolean;
  /** True until TLS is established, TCP's connect included. Undocumented; node:http2 itself relies on it. */
  readonly secureConnecting?: boolean;
}

class Dialing implements Handshake, PendingDial {
  readonly socket: Socket;
  readonly address: string;
  readonly #options: DialOptions;
  readonly #input: SocketInput | undefined;
  readonly #signal: AbortSignal;
  readonly #outcome: DialOutcome;
  readonly #releases: (() => void)[] = [];
  #stage: DialStage = "connect";
  #settled = false;

  constructor(options: DialOptions, opened: OpenedSocket, signal: AbortSignal, outcome: DialOutcome) {
    this.#options = options;
    this.socket = opened.socket;
    this.#input = opened.input;
    this.address = opened.address;
    this.#signal = signal;
    this.#outcome = outcome;
  }

  get waitsFor(): string {
    return dialSteps[this.#stage];
  }

  begin(start: (handshake: Handshake) => void): void {
    const { socket } = this;
    // This listener stays to the end, and does nothing once the dial is settled.
    socket.on("error", (error) => this.fail(error));
    this.#listen("close", () => this.fail(new Error("the peer closed the connection")));
    // A Duplex from createConnection may have no unref.
    socket.unref?.();
    this.#options.history.dials.add(this);
    this.#limit();
    const { connecting, secureConnecting } = socket as PendingSocket;
    if (secureConnecting === true) {
      this.#stage = connecting === true ? "connect" : "tls";
      this.#listen("connect", () => {
        this.#stage = "tls";
      });
      this.#listen("secureConnect", () => this.#connected(start));
    } else if (connecting === true) {
      this.#listen("connect", () => this.#connected(start));
    } else {
      this.#connected(start);
    }
  }

  read(listener: ChunkListener): void {
    if (this.#input === undefined) listenToStream(this.socket, listener);
    else this.#input.listen(listener);
  }

  succeed(connection: Connection): boolean {
    if (this.#settled) return false;
    this.#settle();
    connection.socketFacts = socketFactsOf(this.socket);
    this.#outcome.resolve(connection);
    return true;
  }

  fail(cause: unknown): void {
    if (this.#settled) return;
    const bytesRead = this.socket.bytesRead ?? 0;
    const { everConnected } = this.#options.history;
    this.#failWith(dialFailure(this.address, explainDial(this.#stage, bytesRead, cause, !everConnected), cause));
  }

  #connected(start: (handshake: Handshake) => void): void {
    if (this.#settled) return;
    this.#stage = "settings";
    const { alpnProtocol } = this.socket as Partial<TLSSocket>;
    // False: no ALPN at all. Only a socket of the user's own may know better (prior knowledge, RFC 9113 §3.3).
    const trusted = this.#options.createConnection !== undefined;
    if (typeof alpnProtocol === "string" ? alpnProtocol !== "h2" : alpnProtocol === false && !trusted) {
      this.#failWith(dialFailure(this.address, noH2));
    } else {
      try {
        start(this);
      } catch (cause) {
        // http2.connect refuses settings only now, within an event of the socket.
        this.#failWith(dialFailure(this.address, `cannot connect: ${describeCause(cause)}`, cause));
      }
    }
  }

  #listen(event: "connect" | "secureConnect" | "close", listener: () => void): void {
    this.socket.once(event, listener);
    this.#releases.push(() => this.socket.removeListener(event, listener));
  }

  /** The three ways a dial ends from this side: its time is over, its owner lost interest, nobody waits for it. */
  #limit(): void {
    const { runtime, connectTimeoutMs } = this.#options;
    const { clock, hold } = runtime;
    // What has already arrived is read before the peer is judged: the late one may be our own event loop.
    const timedOut = () => this.#failWith(connectTimeoutFailure(this.address, this.#stage, connectTimeoutMs));
    const timer = clock.setTimeout(() => clock.afterInput(timedOut), connectTimeoutMs);
    const abandonLater = () => clock.setTimeout(() => this.#abandoned(), abandonAfterMs);
    let abandon = hold.held ? undefined : abandonLater();
    const stopWatching = hold.onIdle(() => {
      clock.clearTimeout(abandon);
      abandon = abandonLater();
    });
    const onAbort = () => this.fail(this.#signal.reason);
    if (this.#signal.aborted) queueMicrotask(onAbort);
    this.#signal.addEventListener("abort", onAbort, { once: true });
    this.#releases.push(() => {
      clock.clearTimeout(timer);
      clock.clearTimeout(abandon);
      stopWatching();
      this.#signal.removeEventListener("abort", onAbort);
    });
  }

  #abandoned(): void {
    if (this.#options.runtime.hold.held || this.#stage !== "connect") return;
    this.fail(new Error(`no call is waiting for the connection: given up after ${abandonAfterMs} ms`));
  }

  #failWith(failure: Failure): void {
    if (this.#settled) return;
    this.#settle();
    this.socket.destroy();
    this.#outcome.reject(new DialError(failure));
  }

  #settle(): void {
    this.#settled = true;
    this.#options.history.dials.delete(this);
    for (const release of this.#releases) release();
  }
}
