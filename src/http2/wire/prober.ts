import type { Socket } from "node:net";
import type { ConnectionOptions, TLSSocket } from "node:tls";
import { closedFailure, connectionFailure, type Failure, factOf } from "../../base/errors.ts";
import { type Address, formatAddress } from "../../endpoint/address.ts";
import type { Target } from "../../endpoint/target.ts";
import type { PeerLimits } from "../../observe/peer-limits.ts";
import { noSocketFacts, type SocketFacts } from "../../observe/socket-facts.ts";
import type { Runtime } from "../../runtime/runtime.ts";
import { type ConnectionListener, DialError } from "../connection.ts";
import { type CertificateFacts, certificateOf } from "../dial/certificate.ts";
import { dial } from "../dial/dial.ts";
import { socketFactsOf } from "../dial/socket-facts.ts";
import { TlsSessions } from "../dial/tls-sessions.ts";
import { goawayFailure } from "../error-codes.ts";
import { ForeignAnswer } from "../foreign-answer.ts";
import type { Http2Limits } from "../limits.ts";
import type { ProbeFailure, ProbeReport } from "../probe-report.ts";
import type { UnreadMemory } from "../unread-memory.ts";
import { WireConnection } from "./wire-connection.ts";
import { wireConnectionOptions } from "./wire-connector.ts";

/** How a probe dials, checked. */
export interface ProbeSettings {
  readonly target: Target;
  readonly tls: ConnectionOptions;
  readonly limits: Http2Limits;
  readonly runtime: Runtime;
  readonly unread: UnreadMemory;
  readonly connectTimeoutMs: number;
  readonly pings: number;
  /** By the wall clock. */
  readonly startedAtMs: number;
}

/** Dials one address, pings it, and closes; the runtime's hold and the account are closed too. */
export async function probeAddress(to: Address, settings: ProbeSettings): Promise<ProbeReport> {
  const { target, tls, limits, connectTimeoutMs, pings, runtime, unread } = settings;
  const dialOptions = {
    target,
    tls,
    connectTimeoutMs,
    tlsSessions: new TlsSessions(),
    runtime,
    history: { everConnected: false, dials: new Set<never>() },
    onSocket: (socket: Socket) => prober.follow(socket),
  };
  const connectionOptions = wireConnectionOptions(dialOptions, limits, unread);
  runtime.hold.acquire();
  const prober = new Prober(to, settings.startedAtMs, runtime);
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
  readonly #startedAtMs: number;
  #connectMs: number | undefined;
  #tlsMs: number | undefined;
  #settingsMs: number | undefined;
  readonly #pingMs: number[] = [];
  #socket: Socket | undefined;
  #socketFacts: SocketFacts = noSocketFacts;
  #certificate: CertificateFacts | undefined;
  #limits: PeerLimits | undefined;
  #failure: ProbeFailure | undefined;
  /** Why the connection ended, or is about to: it may be before the first PING. */
  #loss: Failure | undefined;
  #onLost: () => void = () => undefined;

  readonly listener: ConnectionListener = {
    onDraining: (goaway) => this.#lost(goaway && goawayFailure(this.#address, { ...goaway, lastStreamId: 0 }, 0)),
    onCapacity: () => undefined,
    onClosed: (failure) => this.#lost(failure),
  };

  constructor(address: Address, startedAtMs: number, runtime: Runtime) {
    this.#startedAtMs = startedAtMs;
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
      this.#onLost = () => {
        clock.clearTimeout(timer);
        if (this.#loss !== undefined) this.failed(this.#loss);
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
      if (this.#loss === undefined) next();
      else this.#onLost();
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

  #lost(failure: Failure | undefined): void {
    this.#loss ??= failure;
    this.#onLost();
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
