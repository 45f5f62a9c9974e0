import type { Clock } from "../../runtime/clock.ts";

/**
 * Of round trips that are shorter: event loops at both ends take as long to get round to what came. On a link of a
 * gigabit this is 1.25 MB, and on one of a megabit, where what is under way delays all other calls, next to nothing.
 */
const leastRoundTripMs = 10;

/** What a clock may not tell from nothing. */
const leastMs = 0.01;

/** Twice the bandwidth-delay product: half of it is under way while the other half is given back. */
const gain = 2;

/** Below this share of the window in a round trip, the window was not what held the peer back. */
const limitingShare = 0.5;

/** Less is not worth a SETTINGS frame, which walks over all streams at both ends, and proves nothing of a bandwidth. */
const leastGrowth = 1.25;

/** Whoever waits behind a window of data that comes within this time can wait for two. */
const harmlessMs = 200;

/** After answers that led to nothing, so much credit is given at most before the peer is asked again. */
const mostSkipped = 15;

/** Sends a PING. */
type Ask = (onAnswer: () => void) => void;

/**
 * How large the receive windows of a connection have to be: twice what is read in a round trip. That is counted from a PING
 * until its answer, and gives the bandwidth of the network, or of a reader that is slower. The shortest round trip so far
 * is the delay, and not that of the same PING, for behind a slow link that is what our own window keeps waiting there. At
 * busy ends it is not: so windows that do little harm are doubled for a trial, and again as long as that brings more bandwidth.
 *
 * PINGs are sent only after data came, and gRPC servers forgive those (gRFC A8), and only where a quarter of the window
 * has just been given back: a connection with small answers hardly has any.
 */
export class WindowGrowth {
  /** Flow-controlled bytes that came and were read so far. */
  readBytes = 0;
  /** PINGs sent so far. */
  pings = 0;
  readonly #clock: Clock;
  readonly #ask: Ask;
  readonly #grow: (bytes: number) => void;
  readonly #maxBytes: number;
  #windowBytes: number;
  #roundTripMs = Number.POSITIVE_INFINITY;
  /** What led to the present size. */
  #bytesPerMs = 0;
  #isAsking = false;
  /** Since the PING before. */
  #hasGrown = false;
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

  /** A part of the connection's window was used up, and given back. `unreadBytes`: of those that just came. */
  credited(unreadBytes: number): void {
    if (this.#isAsking || this.#windowBytes >= this.#maxBytes) return;
    if (this.#toSkip > 0) {
      this.#toSkip--;
      return;
    }
    this.#isAsking = true;
    this.pings++;
    const askedMs = this.#clock.now();
    const bytesBefore = this.readBytes + unreadBytes;
    this.#ask(() => this.#answered(this.#clock.now() - askedMs, this.readBytes - bytesBefore));
  }

  #answered(sinceMs: number, bytes: number): void {
    this.#isAsking = false;
    this.tookRoundTrip(sinceMs);
    const ms = Math.max(sinceMs, leastMs);
    const neededBytes = this.#neededBytes(ms, bytes);
    if (neededBytes >= Math.min(this.#maxBytes, leastGrowth * this.#windowBytes)) {
      this.#windowBytes = neededBytes;
      this.#bytesPerMs = bytes / ms;
      this.#skipped = 0;
      this.#hasGrown = true;
      this.#grow(neededBytes);
    } else if (this.#hasGrown) {
      // What came in this time was mostly sent before the peer heard of its new window.
      this.#hasGrown = false;
    } else {
      this.#skipped = Math.min(2 * this.#skipped + 1, mostSkipped);
      this.#toSkip = this.#skipped;
    }
  }

  /** So many bytes came in the time of a PING: what the window has to be by that. */
  #neededBytes(ms: number, bytes: number): number {
    if (bytes < limitingShare * this.#windowBytes) return 0;
    const isFaster = bytes / ms >= leastGrowth * this.#bytesPerMs;
    const trialBytes = isFaster && ms <= harmlessMs ? gain * this.#windowBytes : 0;
    const productBytes = ((gain * bytes) / ms) * Math.max(this.#roundTripMs, leastRoundTripMs);
    return Math.min(this.#maxBytes, Math.floor(Math.max(productBytes, trialBytes)));
  }
}
