import { type Address, formatAddress } from "../../endpoint/address.ts";
import type { Clock, TimerHandle } from "../../runtime/clock.ts";
import { type Connection, type ConnectionListener, type Connector, DialError } from "../connection.ts";
import { dialFailure } from "./dial-failure.ts";

/** Of the event loop's time, dials that fail get one part and everything else this many. */
const partsForOthers = 9;

/** Dials may fail in a row for so long, in time owed to others, before they are slowed down: about half a second's work. */
const unpacedDebtMs = 5_000;

/** A turn longer than this was long for another reason than its dial. */
const longestTurnMs = 5;

/**
 * Starts one dial in a turn of the event loop. To open a socket takes this process a fraction of a millisecond: a list of
 * a thousand new backends would otherwise keep every call waiting for as long as all of them take.
 *
 * Dials that fail come again and again. When thousands do, they are paced by what they cost: a turn that dialled in vain
 * is followed by nine times its length without dials. Those that succeed are wanted, and wait for nothing.
 */
export class PacedConnector implements Connector {
  readonly #connector: Connector;
  readonly #clock: Clock;
  /** Dials that wait for their turn, in their order: each is begun by calling it. */
  readonly #waiting = new Set<() => void>();
  /** A dial was begun in this turn. */
  #begunInThisTurn = false;
  /** Runs while the next dial waits for others to have had their share of the loop. */
  #timer: TimerHandle | undefined;
  /** How long the last turn took in which a dial was begun. */
  #turnMs = 0;
  /** When everything else will have had its share, in clock time. */
  #paidAtMs = Number.NEGATIVE_INFINITY;

  constructor(connector: Connector, clock: Clock) {
    this.#connector = connector;
    this.#clock = clock;
  }

  connect(address: Address, listener: ConnectionListener, signal: AbortSignal): Promise<Connection> {
    return new Promise((resolve, reject) => {
      const begin = () => {
        signal.removeEventListener("abort", giveUp);
        this.#connector.connect(address, listener, signal).then(resolve, (error: unknown) => {
          this.#paidAtMs = Math.max(this.#paidAtMs, this.#clock.now()) + partsForOthers * this.#turnMs;
          reject(error);
        });
      };
      const giveUp = () => {
        this.#waiting.delete(begin);
        if (this.#waiting.size === 0) this.#stopTimer();
        reject(new DialError(dialFailure(formatAddress(address), "given up before it was dialled", signal.reason)));
      };
      if (signal.aborted) {
        giveUp();
        return;
      }
      signal.addEventListener("abort", giveUp, { once: true });
      this.#waiting.add(begin);
      this.#beginNext();
    });
  }

  #beginNext(): void {
    if (this.#begunInThisTurn || this.#timer !== undefined) return;
    const [begin] = this.#waiting;
    if (begin === undefined) return;
    const beganMs = this.#clock.now();
    const waitMs = this.#paidAtMs - unpacedDebtMs - beganMs;
    if (waitMs > 0) {
      this.#timer = this.#clock.setTimeout(() => {
        this.#timer = undefined;
        this.#beginNext();
      }, waitMs);
      return;
    }
    this.#waiting.delete(begin);
    this.#begunInThisTurn = true;
    this.#clock.afterInput(() => {
      this.#begunInThisTurn = false;
      this.#turnMs = Math.min(this.#clock.now() - beganMs, longestTurnMs);
      this.#beginNext();
    });
    begin();
  }

  #stopTimer(): void {
    this.#clock.clearTimeout(this.#timer);
    this.#timer = undefined;
  }
}
