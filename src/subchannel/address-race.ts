import type { Failure } from "../base/errors.ts";
import { codeOf } from "../base/thrown.ts";
import type { Address } from "../endpoint/address.ts";
import { type Endpoint, endpointId } from "../endpoint/endpoint.ts";
import { interleaved } from "../endpoint/interleaved.ts";
import type { Connector } from "../http2/connection.ts";
import type { Clock, TimerHandle } from "../runtime/clock.ts";
import { AddressDial, type DialListener } from "./address-dial.ts";

/** How long one dial keeps the next address waiting: the Connection Attempt Delay of RFC 8305 §5, as in gRFC A61. */
const attemptDelayMs = 250;

/**
 * Dials an endpoint of several addresses: one after the other, 250 ms apart or at once when the one before has failed.
 * The first to be ready wins, and the others are given up (RFC 8305 §5, gRFC A61).
 */
export class AddressRace {
  readonly #id: string;
  readonly #addresses: readonly Address[];
  readonly #clock: Clock;
  readonly #listener: DialListener;
  readonly #running = new Set<AddressDial>();
  readonly #failures: Failure[] = [];
  #begun = 0;
  /** To the next address, while there is one. */
  #timer: TimerHandle | undefined;

  constructor(endpoint: Endpoint, clock: Clock, listener: DialListener) {
    this.#id = endpointId(endpoint);
    this.#addresses = interleaved(endpoint.addresses);
    this.#clock = clock;
    this.#listener = listener;
  }

  start(connector: Connector): void {
    this.#clock.clearTimeout(this.#timer);
    const address = this.#addresses[this.#begun++];
    if (address === undefined) return;
    const mayFollow = this.#begun < this.#addresses.length;
    this.#timer = mayFollow ? this.#clock.setTimeout(() => this.start(connector), attemptDelayMs) : undefined;
    const place = this.#begun;
    const dial: AddressDial = new AddressDial(address, {
      onConnected: (connection, text) => {
        this.#running.delete(dial);
        this.giveUp();
        this.#listener.onConnected(connection, text);
      },
      onFailed: (failure) => {
        this.#running.delete(dial);
        this.#failures.push(failure);
        // An older one says nothing about the newest, which has its 250 ms.
        if (place === this.#begun && mayFollow) this.start(connector);
        else if (this.#failures.length === this.#addresses.length) this.#listener.onFailed(this.#failure());
      },
    });
    this.#running.add(dial);
    dial.start(connector);
  }

  /** Nobody wants the connection any more: the listener hears nothing. */
  giveUp(): void {
    this.#clock.clearTimeout(this.#timer);
    for (const dial of this.#running) dial.giveUp();
  }

  /** Names every address with its reason. */
  #failure(): Failure {
    const [first, ...others] = this.#failures as [Failure, ...Failure[]];
    const reasons = this.#failures.map(({ address, message }) => `${address}: ${message}`).join("; ");
    const message = `none of the ${this.#addresses.length} addresses can be reached: ${reasons}`;
    const cause = new AggregateError(
      this.#failures.map(({ cause }) => cause),
      message,
    );
    const code = codeOf(first.cause);
    // As Node's own: what they have in common can be asked for.
    if (others.every((other) => codeOf(other.cause) === code)) Object.assign(cause, { code });
    return { ...first, message, address: this.#id, cause };
  }
}
