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
import {
  connectTimeoutFailure,
  type DialStage,
  dialFailure,
  dialSteps,
  explainDial,
  noH2,
  throughProxy,
} from "./dial-failure.ts";
import { openSocket, type SocketOptions, socketInTunnel } from "./open-socket.ts";
import { socketFactsOf } from "./socket-facts.ts";
import { followSocket } from "./socket-steps.ts";
import { Tunnel } from "./tunnel.ts";

/** What every dial of one transport has in common, whichever engine speaks HTTP/2 on the socket. */
export interface DialOptions extends SocketOptions {
  /** For TCP, TLS and the peer's first SETTINGS together. */
  readonly connectTimeoutMs: number;
  readonly runtime: Runtime;
  readonly history: TargetHistory;
  /** The memory to read into, of an engine that reads by itself ({@link Handshake.read}). */
  readonly readBuffer?: Buffer;
  /** Is given the socket as soon as there is one, for who follows its steps. */
  readonly onSocket?: (socket: Socket) => void;
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
    new Dialing(options, address, signal, { resolve, reject }).begin(start);
  });
}

/** Settles the dial's promise. */
interface DialOutcome {
  resolve(connection: Connection): void;
  reject(error: DialError): void;
}

class Dialing implements PendingDial {
  readonly #options: DialOptions;
  readonly #to: Address;
  readonly #address: string;
  readonly #signal: AbortSignal;
  readonly #outcome: DialOutcome;
  readonly #releases: (() => void)[] = [];
  /** While the socket leads to a proxy and no further. */
  #tunnel: Tunnel | undefined;
  #socket: Socket | undefined;
  /** Of the bytes that came on the socket, those that a proxy said. */
  #proxyBytes = 0;
  #stage: DialStage = "connect";
  #settled = false;

  constructor(options: DialOptions, address: Address, signal: AbortSignal, outcome: DialOutcome) {
    this.#options = options;
    this.#to = address;
    this.#address = formatAddress(address);
    this.#signal = signal;
    this.#outcome = outcome;
  }

  get peer(): string {
    return this.#tunnel === undefined ? this.#address : `the proxy ${this.#options.proxy?.url}`;
  }

  get waitsFor(): string {
    return this.#tunnel?.waitsFor ?? dialSteps[this.#stage];
  }

  begin(start: (handshake: Handshake) => void): void {
    const { proxy, createConnection, readBuffer, history } = this.#options;
    history.dials.add(this);
    this.#limit();
    if (proxy?.covers(this.#to) !== true) {
      const isOurs = createConnection === undefined;
      const input = isOurs && readBuffer !== undefined ? new SocketInput(readBuffer) : undefined;
      this.#open(() => openSocket(this.#options, this.#to, input), input, start);
      return;
    }
    this.#tunnel = new Tunnel(proxy, this.#to, {
      onOpened: (socket) => this.#throughTunnel(socket, start),
      onFailed: (failure) => this.#failWith(failure),
    });
    this.#tunnel.open();
  }

  #throughTunnel(tunnel: Socket, start: (handshake: Handshake) => void): void {
    this.#tunnel = undefined;
    this.#socket = tunnel;
    if (!this.#options.target.tls) this.#proxyBytes = tunnel.bytesRead - tunnel.readableLength;
    // Neither a socket that was read from nor TLS on top of another socket reads into memory of ours (onread).
    this.#open(() => socketInTunnel(this.#options, this.#to, tunnel), undefined, start);
  }

  #open(open: () => Socket, input: SocketInput | undefined, start: (handshake: Handshake) => void): void {
    let socket: Socket;
    try {
      socket = open();
    } catch (cause) {
      // createConnection threw, or an option of tls.connect is wrong.
      this.#failWith(dialFailure(this.#address, `cannot connect: ${describeCause(cause)}`, cause));
      return;
    }
    this.#socket = socket;
    this.#options.onSocket?.(socket);
    const release = followSocket(socket, {
      onTls: () => {
        this.#stage = "tls";
      },
      onReady: () => this.#connected(socket, input, start),
      onLost: (cause) => this.#fail(cause),
    });
    if (this.#settled) release();
    else this.#releases.push(release);
  }

  #fail(cause: unknown): void {
    if (this.#settled) return;
    const bytesRead = (this.#socket?.bytesRead ?? 0) - this.#proxyBytes;
    const { everConnected } = this.#options.history;
    this.#failWith(dialFailure(this.#address, explainDial(this.#stage, bytesRead, cause, !everConnected), cause));
  }

  #connected(socket: Socket, input: SocketInput | undefined, start: (handshake: Handshake) => void): void {
    if (this.#settled) return;
    this.#stage = "settings";
    const { alpnProtocol } = socket as Partial<TLSSocket>;
    const { target, proxy, createConnection } = this.#options;
    // False: no ALPN at all. Only a socket of the user's own may know better (prior knowledge, RFC 9113 §3.3).
    const trusted = createConnection !== undefined;
    // Without TLS to the backend, the socket's is the proxy's.
    const isBackends = target.tls || proxy?.covers(this.#to) !== true;
    if (isBackends && (typeof alpnProtocol === "string" ? alpnProtocol !== "h2" : alpnProtocol === false && !trusted)) {
      this.#failWith(dialFailure(this.#address, noH2));
      return;
    }
    try {
      start({
        socket,
        address: this.#address,
        read: (listener) => {
          if (input === undefined) listenToStream(socket, listener);
          else input.listen(listener);
        },
        succeed: (connection) => this.#succeed(connection, socket),
        fail: (cause) => this.#fail(cause),
      });
    } catch (cause) {
      // http2.connect refuses settings only now, within an event of the socket.
      this.#failWith(dialFailure(this.#address, `cannot connect: ${describeCause(cause)}`, cause));
    }
  }

  #succeed(connection: Connection, socket: Socket): boolean {
    if (this.#settled) return false;
    this.#settle();
    connection.socketFacts = socketFactsOf(socket);
    this.#outcome.resolve(connection);
    return true;
  }

  /** The three ways a dial ends from this side: its time is over, its owner lost interest, nobody waits for it. */
  #limit(): void {
    const { runtime, connectTimeoutMs } = this.#options;
    const { clock, hold } = runtime;
    // What has already arrived is read before the peer is judged: the late one may be our own event loop.
    const timedOut = () => {
      if (this.#tunnel !== undefined) this.#tunnel.timedOut(connectTimeoutMs);
      else this.#failWith(connectTimeoutFailure(this.#address, this.#stage, connectTimeoutMs));
    };
    const timer = clock.setTimeout(() => clock.afterInput(timedOut), connectTimeoutMs);
    const abandonLater = () => clock.setTimeout(() => this.#abandoned(), abandonAfterMs);
    let abandon = hold.held ? undefined : abandonLater();
    const stopWatching = hold.onIdle(() => {
      clock.clearTimeout(abandon);
      abandon = abandonLater();
    });
    const onAbort = () => this.#fail(this.#signal.reason);
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
    const isConnecting = this.#tunnel?.isConnecting ?? this.#stage === "connect";
    if (this.#options.runtime.hold.held || !isConnecting) return;
    this.#fail(new Error(`no call is waiting for the connection: given up after ${abandonAfterMs} ms`));
  }

  #failWith(failure: Failure): void {
    if (this.#settled) return;
    this.#settle();
    this.#tunnel?.giveUp();
    this.#socket?.destroy();
    const { proxy } = this.#options;
    const isBeyondProxy = failure.kind !== "proxy" && proxy?.covers(this.#to) === true;
    this.#outcome.reject(new DialError(isBeyondProxy ? throughProxy(proxy, failure) : failure));
  }

  #settle(): void {
    this.#settled = true;
    this.#options.history.dials.delete(this);
    for (const release of this.#releases) release();
  }
}
