import type { Clock } from "../../runtime/clock.ts";

/**
 * Of round trips that are shorter: event loops at both ends take as long to get round to what came. On a link of a
 * gigabit this is 1.25 MB, and on one of a megabit, where what is under way delays all other calls, next to nothing.
 */
const leastRoundTripMs = 10;

/** Twice the bandwidth-delay product: half of it is under way while the other half is given back. */
const gain = 2;

/** Below this share of the window in a round trip, the window was not what held the peer back. */
const limitingShare = 0.5;

/** Less is not worth a SETTINGS frame, which walks over all streams at both ends. */
const leastGrowth = 1.25;

/** After answers that led to nothing, so much credit is given at most before the peer is asked again. */
const mostSkipped = 15;

/** Sends a PING. */
type Ask = (onAnswer: () => void) => void;

/**
 * How large the receive windows of a connection have to be: twice what comes in a round trip. Data is counted from a PING
 * until its answer, which gives the bandwidth; the shortest round trip so far is the delay, and not that of the same
 * PING, for behind a slow link that is what our own window keeps waiting there. PINGs are sent only after data came, and
 * gRPC servers forgive those (gRFC A8), and only where a quarter of the window has just been given back: a connection
 * with small answers hardly has any.
 */
export class WindowGrowth {
  /** Flow-controlled bytes that came so far. */
  receivedBytes = 0;
  /** PINGs sent so far. */
  pings = 0;
  readonly #clock: Clock;
  readonly #ask: Ask;
  readonly #grow: (bytes: number) => void;
  readonly #maxBytes: number;
  #windowBytes: number;
  #roundTripMs = Number.POSITIVE_INFINITY;
  #isAsking = false;
  #skipped = 0;
  #toSkip = 0;

  /** `grow` gives all windows another size, of at most `maxBytes`; `windowBytes` is what they have until then. */
  constructor(clock: Clock, windowBytes: number, maxBytes: number, parts: { ask: Ask; grow: (bytes: number) => void }) {
    this.#clock = clock;
    this.#windowBytes = windowBytes;
    this.#maxBytes = maxBytes;
    this.#ask = parts.ask;
    this.#grow = parts.grow;
  }

  /** The peer answered something that we sent so long ago. */
  tookRoundTrip(ms: number): void {
    this.#roundTripMs = Math.min(this.#roundTripMs, ms);
  }

  /** A part of the connection's window was used up, and given back. */
  credited(): void {
    if (this.#isAsking || this.#windowBytes >= this.#maxBytes) return;
    if (this.#toSkip > 0) {
      this.#toSkip--;
      return;
    }
    this.#isAsking = true;
    this.pings++;
    const askedMs = this.#clock.now();
    const bytesBefore = this.receivedBytes;
    this.#ask(() => this.#answered(this.#clock.now() - askedMs, this.receivedBytes - bytesBefore));
  }

  #answered(ms: number, bytes: number): void {
    this.#isAsking = false;
    this.tookRoundTrip(ms);
    const delays = ms === 0 ? 1 : Math.max(this.#roundTripMs, leastRoundTripMs) / ms;
    const neededBytes = Math.min(this.#maxBytes, Math.floor(gain * bytes * delays));
    const isLimit = bytes >= limitingShare * this.#windowBytes;
    if (isLimit && neededBytes >= Math.min(this.#maxBytes, leastGrowth * this.#windowBytes)) {
      this.#windowBytes = neededBytes;
      this.#skipped = 0;
      this.#grow(neededBytes);
    } else {
      this.#skipped = Math.min(2 * this.#skipped + 1, mostSkipped);
      this.#toSkip = this.#skipped;
    }
  }
}
