import type { Failure } from "../base/errors.ts";
import type { Address } from "../endpoint/address.ts";
import type { Endpoint } from "../endpoint/endpoint.ts";
import type { Connection, Connector } from "../http2/connection.ts";
import { inBackground } from "../runtime/background.ts";
import type { Clock } from "../runtime/clock.ts";
import { AddressDial, type DialListener } from "./address-dial.ts";
import { AddressRace } from "./address-race.ts";

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

/** One dial of an endpoint, which brings one connection to one of its addresses. */
export class EndpointDial {
  /** Another one may want the connection by the time it is there. */
  listener: EndpointDialListener;
  readonly #dial: AddressDial | AddressRace;

  constructor(endpoint: Endpoint, clock: Clock, listener: EndpointDialListener) {
    this.listener = listener;
    const dialStartedMs = clock.now();
    const { addresses } = endpoint;
    const forwards: DialListener = {
      onConnected: (connection, address) => this.listener.onConnected({ connection, address, dialStartedMs }),
      onFailed: (failure) => this.listener.onFailed(failure, dialStartedMs),
    };
    this.#dial =
      addresses.length === 1
        ? new AddressDial(addresses[0] as Address, forwards)
        : new AddressRace(endpoint, clock, forwards);
  }

  /** The listener hears of the end in a later microtask. */
  start(connector: Connector): void {
    // A call that failed may be the reason for it.
    inBackground(() => this.#dial.start(connector));
  }

  /** Nobody wants the connection any more: the listener hears nothing, and what comes all the same is closed. */
  giveUp(): void {
    this.#dial.giveUp();
  }
}
