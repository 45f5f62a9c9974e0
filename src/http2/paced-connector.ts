import { type Address, formatAddress } from "../address.ts";
import type { Clock } from "../runtime/clock.ts";
import { type Connection, type ConnectionOwner, type Connector, DialError } from "./connection.ts";
import { dialFailure } from "./dial-failure.ts";

/**
 * Starts one dial in a turn of the event loop. To open a socket takes this process a fraction of a millisecond: a list of
 * a thousand new backends would otherwise keep every call waiting for as long as all of them take.
 */
export class PacedConnector implements Connector {
  readonly #connector: Connector;
  readonly #clock: Clock;
  readonly #waiting: (() => void)[] = [];
  #startedInThisTurn = false;

  constructor(connector: Connector, clock: Clock) {
    this.#connector = connector;
    this.#clock = clock;
  }

  connect(address: Address, owner: ConnectionOwner, signal: AbortSignal): Promise<Connection> {
    if (!this.#startedInThisTurn) {
      this.#nextTurn();
      return this.#connector.connect(address, owner, signal);
    }
    return new Promise((resolve, reject) => {
      this.#waiting.push(() => {
        if (!signal.aborted) resolve(this.#connector.connect(address, owner, signal));
        else
          reject(new DialError(dialFailure(formatAddress(address), "given up before it was dialled", signal.reason)));
      });
    });
  }

  #nextTurn(): void {
    this.#startedInThisTurn = true;
    this.#clock.afterInput(() => {
      this.#startedInThisTurn = false;
      const start = this.#waiting.shift();
      if (start === undefined) return;
      this.#nextTurn();
      start();
    });
  }
}
