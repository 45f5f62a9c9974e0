import type { Socket } from "node:net";
import type { Failure } from "../../base/errors.ts";
import { describeCause } from "../../base/thrown.ts";
import { type Address, formatAddress } from "../../endpoint/address.ts";
import { isAskable, type ProxyAnswer, requestConnect } from "./connect-request.ts";
import { openProxySocket } from "./open-socket.ts";
import type { HttpProxy } from "./proxy.ts";
import {
  explainNonsense,
  explainProxyLoss,
  explainProxyTimeout,
  explainRefusal,
  type ProxyStage,
  proxyFailure,
  proxySteps,
} from "./proxy-failure.ts";
import { followSocket } from "./socket-steps.ts";

/** Told how a tunnel comes about: exactly one of the two, once, unless it was given up. */
export interface TunnelListener {
  /** From now on the socket leads to the backend. It is paused, and may hold the backend's first bytes. */
  onOpened(socket: Socket): void;
  onFailed(failure: Failure): void;
}

/** Asks a proxy for a connection to a backend. */
export class Tunnel {
  readonly #proxy: HttpProxy;
  readonly #address: string;
  readonly #listener: TunnelListener;
  #stage: ProxyStage = "connect";
  #socket: Socket | undefined;
  #release: (() => void) | undefined;
  #over = false;

  constructor(proxy: HttpProxy, address: Address, listener: TunnelListener) {
    this.#proxy = proxy;
    this.#address = formatAddress(address);
    this.#listener = listener;
  }

  /** What the proxy has not answered yet. */
  get waitsFor(): string {
    return proxySteps[this.#stage];
  }

  /** TCP is not connected yet: what Node lets keep the process alive. */
  get isConnecting(): boolean {
    return this.#stage === "connect";
  }

  open(): void {
    if (!isAskable(this.#address)) {
      this.#fail("a name with such characters cannot be asked of a proxy");
      return;
    }
    try {
      this.#socket = openProxySocket(this.#proxy);
    } catch (cause) {
      this.#fail(`cannot connect to the proxy ${this.#proxy.url}: ${describeCause(cause)}`, cause);
      return;
    }
    const socket = this.#socket;
    this.#release = followSocket(socket, {
      onTls: () => {
        this.#stage = "tls";
      },
      onReady: () => this.#ask(socket),
      onLost: (cause) => this.#fail(explainProxyLoss(this.#proxy, this.#address, this.#stage, cause), cause),
    });
  }

  timedOut(connectTimeoutMs: number): void {
    this.#fail(explainProxyTimeout(this.#proxy, this.#stage, connectTimeoutMs));
  }

  /** Nobody wants it any more: the listener hears nothing. */
  giveUp(): void {
    this.#end();
    this.#socket?.destroy();
  }

  #ask(socket: Socket): void {
    this.#stage = "answer";
    requestConnect(socket, this.#address, this.#proxy.authorization, {
      onAnswer: (answer) => this.#answered(socket, answer),
      onNonsense: (what) => this.#fail(explainNonsense(this.#proxy, what)),
    });
  }

  #answered(socket: Socket, answer: ProxyAnswer): void {
    if (answer.status > 299) {
      this.#fail(explainRefusal(this.#proxy, this.#address, answer));
      return;
    }
    if (this.#end()) this.#listener.onOpened(socket);
  }

  #fail(message: string, cause?: unknown): void {
    if (!this.#end()) return;
    this.#socket?.destroy();
    this.#listener.onFailed(proxyFailure(this.#address, message, cause));
  }

  /** False when it was over before. */
  #end(): boolean {
    if (this.#over) return false;
    this.#over = true;
    this.#release?.();
    return true;
  }
}
