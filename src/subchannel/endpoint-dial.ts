import type { Failure } from "../base/errors.ts";
import type { Address } from "../endpoint/address.ts";
import { type Endpoint, endpointId } from "../endpoint/endpoint.ts";
import type { Connection, Connector } from "../http2/connection.ts";
import type { ConnectionObserver } from "../observe/connection-observer.ts";
import type { DialObserver } from "../observe/dial-observer.ts";
import { inBackground } from "../runtime/background.ts";
import type { Runtime } from "../runtime/runtime.ts";
import { AddressDial, type DialListener } from "./address-dial.ts";
import { AddressRace } from "./address-race.ts";
import type { BackendCounters } from "./call-connection.ts";

/** A connection that a dial has brought. */
export interface DialedConnection {
  readonly connection: Connection;
  /** The text of the address that answered. */
  readonly address: string;
  readonly dialStartedMs: number;
}

/** Told how the dial of an endpoint ends: exactly one of the two, once, unless it was given up. */
export interface EndpointDialListener {
  /** Whoever hears it becomes the connection's listener at once. */
  onConnected(dialed: DialedConnection): void;
  onFailed(failure: Failure, dialStartedMs: number): void;
}

const nobody: EndpointDialListener = Object.freeze({ onConnected: () => undefined, onFailed: () => undefined });

/** What the dials of one backend share. */
export interface DialContext {
  readonly runtime: Runtime;
  readonly observer: ConnectionObserver;
  readonly counters: BackendCounters;
}

/** One dial of an endpoint, which brings one connection to one of its addresses. */
export class EndpointDial {
  /** Another one may want the connection by the time it is there. */
  listener: EndpointDialListener;
  readonly #runtime: Runtime;
  readonly #seen: DialObserver;
  readonly #dial: AddressDial | AddressRace;

  constructor(endpoint: Endpoint, { runtime, observer, counters }: DialContext, listener: EndpointDialListener) {
    this.listener = listener;
    this.#runtime = runtime;
    const { clock } = runtime;
    const dialStartedMs = clock.now();
    this.#seen = observer.dialStarted(endpointId(endpoint));
    const { addresses } = endpoint;
    const forwards: DialListener = {
      onConnected: (connection, address) => {
        counters.dialsSucceeded++;
        const { socketFacts, maxConcurrentStreams } = connection;
        this.#seen.connected(socketFacts, maxConcurrentStreams, clock.now() - dialStartedMs);
        this.#takeListener().onConnected({ connection, address, dialStartedMs });
      },
      onFailed: (failure) => {
        counters.dialsFailed++;
        this.#seen.failed(failure, clock.now() - dialStartedMs);
        this.#takeListener().onFailed(failure, dialStartedMs);
      },
    };
    this.#dial =
      addresses.length === 1
        ? new AddressDial(addresses[0] as Address, forwards)
        : new AddressRace(endpoint, clock, forwards);
  }

  /** The listener hears of the end in a later microtask. */
  start(connector: Connector): void {
    // A call that failed may be the reason for it.
    inBackground(() => this.#dial.start(connector), this.#runtime);
  }

  /** Nobody wants the connection any more: the listener hears nothing, and what comes all the same is closed. */
  giveUp(): void {
    this.#seen.givenUp();
    this.#takeListener();
    this.#dial.giveUp();
  }

  /** Its socket holds a dial that is over: connections that follow one another would each hold the one before. */
  #takeListener(): EndpointDialListener {
    const { listener } = this;
    this.listener = nobody;
    return listener;
  }
}
