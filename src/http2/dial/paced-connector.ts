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

/** After a turn shorter than this, the next one may begin one dial more; after one twice as long, half as many. */
const easyTurnMs = 5;

/** What one turn may begin at most: handshakes come back together, as long after their dials as the network is wide. */
const mostInATurn = 16;

/**
 * Starts a few dials in a turn of the event loop: one at first, and more as turns stay short. To open a socket takes this
 * process a fraction of a millisecond, and TLS milliseconds when the peer answers: a list of a thousand new backends would
 * otherwise keep every call waiting for as long as all of them take. Where turns are long anyhow it is one at a time.
 *
 * Dials that fail come again and again. When thousands do, they are paced by what they cost: the time that dials in vain
 * took is followed by nine times as much without dials. Those that succeed are wanted, and wait for nothing.
 */
export class PacedConnector implements Connector {
  readonly #connector: Connector;
  readonly #clock: Clock;
  /** Dials that wait for their turn, in their order: each is begun by calling it. */
  readonly #waiting = new Set<() => void>();
  #begunInThisTurn = 0;
  /** How many dials this turn may begin. */
  #share = 1;
  /** Runs while the next dial waits for others to have had their share of the loop. */
  #timer: TimerHandle | undefined;
  /** What a dial took in the last turn in which some were begun. */
  #dialMs = 0;
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
          this.#paidAtMs = Math.max(this.#paidAtMs, this.#clock.now()) + partsForOthers * this.#dialMs;
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
    for (const begin of this.#waiting) {
      if (this.#begunInThisTurn >= this.#share || this.#timer !== undefined) return;
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
      if (this.#begunInThisTurn++ === 0) this.#clock.afterInput(() => this.#turnEnded(beganMs));
      begin();
    }
  }

  #turnEnded(beganMs: number): void {
    const turnMs = this.#clock.now() - beganMs;
    this.#dialMs = Math.min(turnMs, longestTurnMs) / this.#begunInThisTurn;
    this.#begunInThisTurn = 0;
    if (this.#waiting.size === 0 || turnMs > 2 * easyTurnMs) this.#share = Math.max(1, this.#share >> 1);
    else if (turnMs < easyTurnMs) this.#share = Math.min(mostInATurn, this.#share + 1);
    this.#beginNext();
  }

  #stopTimer(): void {
    this.#clock.clearTimeout(this.#timer);
    this.#timer = undefined;
  }
}
