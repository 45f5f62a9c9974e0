import type { Socket } from "node:net";
import type { ConnectionOptions, TLSSocket } from "node:tls";
import { checkNumber, checkObject, longestMs } from "../base/check.ts";
import { closedFailure, connectionFailure, type Failure, type FailureFact, factOf } from "../base/errors.ts";
import { type Address, checkAddress, formatAddress, parseAddress } from "../endpoint/address.ts";
import { parseTarget } from "../endpoint/target.ts";
import type { PeerLimits } from "../observe/peer-limits.ts";
import { noSocketFacts, type SocketFacts } from "../observe/socket-facts.ts";
import { systemClock } from "../runtime/clock.ts";
import { systemHold } from "../runtime/process-hold.ts";
import { systemRandom } from "../runtime/random.ts";
import type { Runtime } from "../runtime/runtime.ts";
import { wallClockMs } from "../runtime/wall-clock.ts";
import { type ConnectionListener, DialError } from "./connection.ts";
import { type CertificateFacts, certificateOf } from "./dial/certificate.ts";
import { dial } from "./dial/dial.ts";
import type { DialStage } from "./dial/dial-failure.ts";
import { socketFactsOf } from "./dial/socket-facts.ts";
import { TlsSessions } from "./dial/tls-sessions.ts";
import { ForeignAnswer, type ForeignProtocol } from "./foreign-answer.ts";
import { checkHttp2Options, http2Defaults } from "./http2-options.ts";
import { UnreadMemory } from "./unread-memory.ts";
import { WireConnection } from "./wire/wire-connection.ts";
import { wireConnectionOptions } from "./wire/wire-connector.ts";

/** How an address is probed. */
export interface ProbeOptions {
  /** As of glinkTransport: whether TLS is spoken, and the name that a certificate has to have. Default: none, it has to be given. */
  baseUrl: string;
  /** Options of tls.connect: `ca`, `cert`, `key`, `servername`, … Default: none. */
  tls?: ConnectionOptions;
  /** In milliseconds, for TCP, TLS and the peer's first SETTINGS together, and then for all PINGs. Default 5 000, from 1. */
  connectTimeoutMs?: number;
  /** PINGs, one after the other. Default 3, from 0 to 1 000. */
  pings?: number;
}

/** What came of dialling one address. Times are in milliseconds; undefined: it did not get so far. */
export interface ProbeReport {
  /** The address that was dialled. */
  readonly address: string;
  /** By the wall clock: milliseconds since 1970. */
  readonly startedAtMs: number;
  /** TCP, and the lookup of a host that is a name. */
  readonly connectMs: number | undefined;
  /** The TLS handshake. */
  readonly tlsMs: number | undefined;
  /** From then to the peer's SETTINGS. */
  readonly settingsMs: number | undefined;
  /** Of each PING that was answered. */
  readonly pingMs: readonly number[];
  /** What the socket says of itself; nothing where there is none. */
  readonly socket: SocketFacts;
  /** Undefined without TLS, and where the handshake failed. */
  readonly certificate: CertificateFacts | undefined;
  /** What its SETTINGS allow; undefined: none came. */
  readonly limits: PeerLimits | undefined;
  /** Undefined: all went well. */
  readonly failure: ProbeFailure | undefined;
}

/** Why a probe got no further, and how far it got. */
export interface ProbeFailure extends FailureFact {
  /** What was not done. */
  readonly stage: DialStage | "ping";
  /** What the peer had sent until then. */
  readonly bytesRead: number;
  /** What the port speaks instead of HTTP/2, where its answer tells. */
  readonly speaks: ForeignProtocol | undefined;
}

/**
 * Dials one address as a transport does, pings it, closes the connection, and tells what was found and how long each step
 * took: for diagnosis, when a program starts or when calls fail. An address is `{host, port}`, `{path}` or their text.
 *
 * A dial that fails is reported and not thrown. Rejects with a TypeError or RangeError for a bad argument.
 */
export async function probe(address: Address | string, options: ProbeOptions): Promise<ProbeReport> {
  checkObject("the options of probe", options);
  const { baseUrl, tls = {}, connectTimeoutMs = http2Defaults.connectTimeoutMs, pings = 3 } = options;
  const to = typeof address === "string" ? parseAddress(address) : checkAddress(address);
  const target = parseTarget(baseUrl);
  checkNumber("connectTimeoutMs", connectTimeoutMs, { min: 1, max: longestMs });
  checkNumber("pings", pings, { min: 0, max: 1_000, integer: true });
  const { limits } = checkHttp2Options({}, target);
  const runtime = { clock: systemClock(), random: systemRandom(), hold: systemHold() };
  const unread = new UnreadMemory(runtime.clock);
  const dialOptions = {
    target,
    tls: checkObject("tls", tls),
    connectTimeoutMs,
    tlsSessions: new TlsSessions(),
    runtime,
    history: { everConnected: false, dials: new Set<never>() },
    onSocket: (socket: Socket) => prober.follow(socket),
  };
  const connectionOptions = wireConnectionOptions(dialOptions, limits, unread);
  runtime.hold.acquire();
  const prober = new Prober(to, runtime);
  try {
    let connection: WireConnection | undefined;
    await dial(dialOptions, to, new AbortController().signal, (handshake) => {
      connection = new WireConnection(handshake, connectionOptions, prober.listener);
    });
    if (connection !== undefined) await prober.ping(connection, pings, connectTimeoutMs);
  } catch (error) {
    if (!(error instanceof DialError)) throw error;
    prober.failed(error.failure);
  } finally {
    runtime.hold.release();
    runtime.hold.close();
    unread.close();
  }
  return prober.report();
}

/** One dial, and what is noted of it. */
class Prober {
  readonly #address: string;
  readonly #runtime: Runtime;
  #stage: ProbeFailure["stage"] = "connect";
  #stageSinceMs: number;
  readonly #startedAtMs = wallClockMs();
  #connectMs: number | undefined;
  #tlsMs: number | undefined;
  #settingsMs: number | undefined;
  readonly #pingMs: number[] = [];
  #socket: Socket | undefined;
  #socketFacts: SocketFacts = noSocketFacts;
  #certificate: CertificateFacts | undefined;
  #limits: PeerLimits | undefined;
  #failure: ProbeFailure | undefined;
  /** The connection ended while a PING was out. */
  #onLost: (failure: Failure | undefined) => void = () => undefined;

  readonly listener: ConnectionListener = {
    onDraining: () => undefined,
    onCapacity: () => undefined,
    onClosed: (failure) => this.#onLost(failure),
  };

  constructor(address: Address, runtime: Runtime) {
    this.#address = formatAddress(address);
    this.#runtime = runtime;
    this.#stageSinceMs = runtime.clock.now();
  }

  follow(socket: Socket): void {
    this.#socket = socket;
    const { encrypted } = socket as Partial<TLSSocket>;
    socket.once("connect", () => {
      this.#connectMs = this.#next(encrypted === true ? "tls" : "settings");
    });
    socket.once("secureConnect", () => {
      this.#tlsMs = this.#next("settings");
      this.#socketFacts = socketFactsOf(socket);
      this.#certificate = certificateOf(socket as TLSSocket);
    });
  }

  /** Sends PINGs one after the other, then closes. */
  async ping(connection: WireConnection, count: number, timeoutMs: number): Promise<void> {
    this.#settingsMs = this.#next("ping");
    this.#socketFacts = connection.socketFacts;
    const { clock } = this.#runtime;
    await new Promise<void>((resolve) => {
      const timedOut = () => {
        const message = `no answer to a PING within ${timeoutMs} ms`;
        this.failed(connectionFailure("ping-timeout", this.#address, "unknown", message));
        resolve();
      };
      const timer = clock.setTimeout(() => clock.afterInput(timedOut), timeoutMs);
      this.#onLost = (failure) => {
        clock.clearTimeout(timer);
        if (failure !== undefined) this.failed(failure);
        resolve();
      };
      const next = () => {
        if (this.#pingMs.length >= count) {
          clock.clearTimeout(timer);
          resolve();
          return;
        }
        connection.ping(() => {
          this.#pingMs.push(this.#next("ping"));
          next();
        });
      };
      next();
    });
    this.#onLost = () => undefined;
    this.#limits = connection.peerLimits;
    connection.close(closedFailure("cut"));
  }

  failed(failure: Failure): void {
    const { cause } = failure;
    const speaks = cause instanceof ForeignAnswer ? cause.speaks : undefined;
    this.#failure = { ...factOf(failure), stage: this.#stage, bytesRead: this.#socket?.bytesRead ?? 0, speaks };
  }

  report(): ProbeReport {
    return {
      address: this.#address,
      startedAtMs: this.#startedAtMs,
      connectMs: this.#connectMs,
      tlsMs: this.#tlsMs,
      settingsMs: this.#settingsMs,
      pingMs: this.#pingMs,
      socket: this.#socketFacts,
      certificate: this.#certificate,
      limits: this.#limits,
      failure: this.#failure,
    };
  }

  /** Begins the next step, and tells how long the last one took. */
  #next(stage: ProbeFailure["stage"]): number {
    const nowMs = this.#runtime.clock.now();
    const tookMs = nowMs - this.#stageSinceMs;
    this.#stage = stage;
    this.#stageSinceMs = nowMs;
    return tookMs;
  }
}
