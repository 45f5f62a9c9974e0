import { connect as connectTcp, isIP, type Socket } from "node:net";
import { type ConnectionOptions, checkServerIdentity, connect as connectTls, type TLSSocket } from "node:tls";
import { Code } from "@connectrpc/connect";
import { type Address, formatAddress } from "../address.ts";
import { describeCause, type Failure } from "../errors.ts";
import type { Runtime } from "../runtime/runtime.ts";
import type { Target } from "../target.ts";
import { type Connection, DialError } from "./connection.ts";

/** What every dial of one transport has in common, whichever engine speaks HTTP/2 on the socket. */
export interface DialOptions {
  readonly target: Target;
  /** For TCP, TLS and the peer's first SETTINGS together. */
  readonly connectTimeoutMs: number;
  /** Options of `tls.connect`, from the user's `nodeOptions`. */
  readonly tls: ConnectionOptions;
  /** The user's own way to open a socket, from `nodeOptions`. Gets a URL with the address to dial. */
  readonly createConnection?: ((url: URL) => Socket) | undefined;
  readonly runtime: Runtime;
}

/** How far a dial got: each step has its own typical mistakes. */
type Stage = "connect" | "tls" | "settings";

/** A dial nobody waits for is given up after this long, because a pending TCP connect keeps the process alive. */
const abandonAfterMs = 1_000;

/** What an engine does with a connected socket: speak its preface, then settle the dial. */
export interface Handshake {
  readonly socket: Socket;
  readonly address: string;
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
  return new Promise((resolve, reject) => new Dialing(options, address, signal, start, resolve, reject));
}

class Dialing implements Handshake {
  readonly socket: Socket;
  readonly address: string;
  readonly #options: DialOptions;
  readonly #signal: AbortSignal;
  readonly #resolve: (connection: Connection) => void;
  readonly #reject: (error: DialError) => void;
  readonly #releases: (() => void)[] = [];
  #stage: Stage = "connect";
  #settled = false;

  constructor(
    options: DialOptions,
    address: Address,
    signal: AbortSignal,
    start: (handshake: Handshake) => void,
    resolve: (connection: Connection) => void,
    reject: (error: DialError) => void,
  ) {
    this.#options = options;
    this.address = formatAddress(address);
    this.#signal = signal;
    this.#resolve = resolve;
    this.#reject = reject;
    this.socket = this.#open(address);
    // From birth to close, so that no event of this socket can be an uncaught exception.
    this.socket.on("error", this.#onError);
    this.socket.once("close", this.#onClose);
    this.socket.unref();
    this.#limit();
    if (this.socket.connecting || this.#securing()) {
      this.socket.once(this.#securing() ? "secureConnect" : "connect", () => this.#connected(start));
      if (this.#securing()) this.socket.once("connect", () => this.#enter("tls"));
    } else {
      this.#connected(start);
    }
  }

  succeed(connection: Connection): boolean {
    if (this.#settled) return false;
    this.#settle();
    this.#resolve(connection);
    return true;
  }

  fail(cause: unknown): void {
    this.#failWith({
      kind: "dial",
      code: Code.Unavailable,
      progress: "unsent",
      message: this.#explain(cause),
      address: this.address,
      cause,
    });
  }

  #open(address: Address): Socket {
    const { target, tls, createConnection } = this.#options;
    if (createConnection !== undefined) {
      return createConnection(new URL(`${target.tls ? "https" : "http"}://${this.address.replace(/^unix:/, "unix")}`));
    }
    const endpoint = "path" in address ? { path: address.path.replace(/^@/, "\0") } : address;
    if (!target.tls) return connectTcp({ ...endpoint, noDelay: true });
    const verify = tls.checkServerIdentity ?? checkServerIdentity;
    const servername = tls.servername ?? target.host;
    return connectTls({
      ALPNProtocols: ["h2"],
      ...tls,
      ...endpoint,
      // SNI takes no IP address (RFC 6066 §3); the certificate is checked against the name of baseUrl either way,
      // never against the address dialled.
      ...(isIP(servername) === 0 ? { servername } : {}),
      checkServerIdentity: (_, certificate) => verify(servername, certificate),
    }).setNoDelay(true);
  }

  #securing(): boolean {
    return "alpnProtocol" in this.socket && (this.socket as TLSSocket).getProtocol() === null;
  }

  #enter(stage: Stage): void {
    this.#stage = stage;
  }

  #connected(start: (handshake: Handshake) => void): void {
    if (this.#settled) return;
    const { alpnProtocol } = this.socket as Partial<TLSSocket>;
    this.#enter("settings");
    if (alpnProtocol !== undefined && alpnProtocol !== null && alpnProtocol !== "h2") {
      this.#failWith({
        kind: "dial",
        code: Code.Unavailable,
        progress: "unsent",
        message: "h2 not negotiated: the server's TLS did not choose HTTP/2 by ALPN",
        address: this.address,
      });
      return;
    }
    start(this);
  }

  /** The three ways a dial ends from this side: its time is over, its owner lost interest, nobody waits for it. */
  #limit(): void {
    const { runtime, connectTimeoutMs } = this.#options;
    const { clock, hold } = runtime;
    const timer = clock.setTimeout(() => this.#timedOut(connectTimeoutMs), connectTimeoutMs);
    let abandon = hold.held ? undefined : clock.setTimeout(() => this.#abandoned(), abandonAfterMs);
    const stopWatching = hold.onIdle(() => {
      clock.clearTimeout(abandon);
      abandon = clock.setTimeout(() => this.#abandoned(), abandonAfterMs);
    });
    const onAbort = () => this.fail(this.#signal.reason);
    this.#signal.addEventListener("abort", onAbort, { once: true });
    this.#releases.push(() => {
      clock.clearTimeout(timer);
      clock.clearTimeout(abandon);
      stopWatching();
      this.#signal.removeEventListener("abort", onAbort);
    });
  }

  #abandoned(): void {
    if (this.#options.runtime.hold.held) return;
    this.fail(new Error(`no call is waiting for the connection: given up after ${abandonAfterMs} ms`));
  }

  #timedOut(limitMs: number): void {
    const waitedFor = { connect: "TCP connect", tls: "TLS handshake", settings: "HTTP/2 SETTINGS" }[this.#stage];
    this.#failWith({
      kind: "connect-timeout",
      code: Code.Unavailable,
      progress: "unsent",
      message: `connecting took longer than connectTimeoutMs ${limitMs}: no answer to the ${waitedFor}`,
      address: this.address,
    });
  }

  readonly #onError = (error: Error): void => this.fail(error);

  readonly #onClose = (): void => this.fail(new Error("the peer closed the connection"));

  #failWith(failure: Failure): void {
    if (this.#settled) return;
    this.#settle();
    this.socket.on("error", ignoreLateError);
    this.socket.destroy();
    this.#reject(new DialError(failure));
  }

  #settle(): void {
    this.#settled = true;
    for (const release of this.#releases) release();
    this.socket.removeListener("close", this.#onClose);
  }

  #explain(cause: unknown): string {
    const text = describeCause(cause);
    const { code } = (cause ?? {}) as { code?: unknown };
    if (this.#stage === "tls" && (code === "EPROTO" || code === "ERR_SSL_WRONG_VERSION_NUMBER")) {
      return `TLS failed: ${text}; if the port speaks plaintext, use http:// in baseUrl`;
    }
    if (this.#stage === "tls") return `TLS failed: ${text}`;
    if (this.#stage === "connect") return `cannot connect: ${text}`;
    if (typeof code === "string" && code.startsWith("ERR_SSL")) return `TLS failed: ${text}`;
    return `not HTTP/2, is this an HTTP/1.1 or a TLS port? The peer sent no SETTINGS: ${text}`;
  }
}

/** A socket that was given up may still report why it died. That is known already. */
function ignoreLateError(): void {
  return;
}
