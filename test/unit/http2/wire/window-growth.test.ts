import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { WindowGrowth } from "../../../../src/http2/wire/window-growth.ts";
import { receive, refund } from "../../../../src/http2/wire/windows.ts";
import { ManualClock } from "../../../support/manual-clock.ts";

const mebibyte = 2 ** 20;
const firstBytes = 65_535;
const mostBytes = 16 * mebibyte;
const frameBytes = 16_384;

/** A way to a peer, by which data comes in order. */
interface Way {
  readonly roundTripMs: number;
  /** Before both ends were busy. Default: no shorter. */
  readonly shortestRoundTripMs?: number;
  readonly bytesPerMs: number;
  /** What the receiver needs for a frame. */
  readonly readMs?: number;
}

/** A download by a way, of a peer that always has more to send, with time as a list of what happens next. */
class Download {
  readonly #way: Way;
  readonly #clock = new ManualClock();
  readonly #due: { readonly atMs: number; readonly happens: () => void }[] = [];
  readonly #window = { receiveWindowBytes: firstBytes, unrefundedBytes: 0 };
  readonly growth: WindowGrowth;
  windowBytes = firstBytes;
  receivedBytes = 0;
  #peerWindow = firstBytes;
  #linkFreeMs = 0;
  #readerFreeMs = 0;

  constructor(way: Way) {
    this.#way = way;
    this.growth = new WindowGrowth(this.#clock, firstBytes, mostBytes, {
      // The answer comes behind all data that the peer has sent by then.
      ask: (onAnswer) => this.#toPeer(() => this.#fromPeer(0, onAnswer)),
      grow: (bytes) => {
        const difference = bytes - this.windowBytes;
        this.windowBytes = bytes;
        this.#window.receiveWindowBytes += difference;
        this.#toPeer(() => this.#credit(difference));
      },
    });
    this.growth.tookRoundTrip(way.shortestRoundTripMs ?? way.roundTripMs);
  }

  run(forMs: number): this {
    const untilMs = this.#clock.now() + forMs;
    this.#send();
    for (;;) {
      this.#due.sort((a, b) => a.atMs - b.atMs);
      const next = this.#due[0];
      if (next === undefined || next.atMs > untilMs) return this;
      this.#due.shift();
      this.#clock.stall(next.atMs - this.#clock.now());
      next.happens();
    }
  }

  #toPeer(happens: () => void): void {
    this.#due.push({ atMs: this.#clock.now() + this.#way.roundTripMs / 2, happens });
  }

  #fromPeer(bytes: number, happens: () => void): void {
    const { roundTripMs, bytesPerMs, readMs = 0 } = this.#way;
    this.#linkFreeMs = Math.max(this.#linkFreeMs, this.#clock.now()) + bytes / bytesPerMs;
    this.#readerFreeMs = Math.max(this.#readerFreeMs, this.#linkFreeMs + roundTripMs / 2) + (bytes > 0 ? readMs : 0);
    this.#due.push({ atMs: this.#readerFreeMs, happens });
  }

  #credit(bytes: number): void {
    this.#peerWindow += bytes;
    this.#send();
  }

  #send(): void {
    while (this.#peerWindow > 0) {
      const bytes = Math.min(frameBytes, this.#peerWindow);
      this.#peerWindow -= bytes;
      this.#fromPeer(bytes, () => this.#receive(bytes));
    }
  }

  #receive(bytes: number): void {
    assert.ok(receive(this.#window, bytes));
    this.receivedBytes += bytes;
    this.growth.readBytes += bytes;
    const increment = refund(this.#window, bytes, this.windowBytes);
    if (increment === 0) return;
    this.#toPeer(() => this.#credit(increment));
    this.growth.credited(0);
  }
}

describe("receive windows that grow", () => {
  it("stay small behind a slow link, where all that is under way delays other calls", () => {
    const { windowBytes, growth } = new Download({ roundTripMs: 20, bytesPerMs: 32 }).run(120_000);
    assert.equal(windowBytes, firstBytes);
    assert.ok(growth.pings < 40, `${growth.pings} PINGs`);
  });

  for (const roundTripMs of [20, 100]) {
    it(`let a peer ${roundTripMs} ms away fill a link, and hold no more than a few times what is under way there`, () => {
      const bytesPerMs = 12_500;
      const download = new Download({ roundTripMs, bytesPerMs }).run(3_000);
      const before = download.receivedBytes;
      download.run(5_000);
      const share = (download.receivedBytes - before) / (5_000 * bytesPerMs);
      assert.ok(share > 0.95, `${share} of the link`);
      assert.ok(download.windowBytes <= 4.1 * roundTripMs * bytesPerMs, `${download.windowBytes} bytes`);
    });
  }

  it("grow to their limit where nothing else holds the peer back, within a dozen round trips", () => {
    const { windowBytes } = new Download({ roundTripMs: 100, bytesPerMs: 10_000_000 }).run(1_500);
    assert.equal(windowBytes, mostBytes);
  });

  it("are large enough for event loops that take as long as the way: a window is read in a few turns", () => {
    const { windowBytes } = new Download({ roundTripMs: 0.2, bytesPerMs: 1_000_000, readMs: 0.1 }).run(1_000);
    assert.ok(windowBytes > 0.5 * mebibyte && windowBytes < 4 * mebibyte, `${windowBytes} bytes`);
  });

  it("grow where both ends are slow to get round to their sockets, and not beyond what that takes", () => {
    const bytesPerMs = 50_000;
    const busy = { roundTripMs: 60, shortestRoundTripMs: 1, bytesPerMs };
    const download = new Download(busy).run(3_000);
    const before = download.receivedBytes;
    download.run(2_000);
    const share = (download.receivedBytes - before) / (2_000 * bytesPerMs);
    assert.ok(share > 0.95, `${share} of the link`);
    assert.ok(download.windowBytes <= 4.1 * 60 * bytesPerMs, `${download.windowBytes} bytes`);
  });

  it("delay others by a fraction of a second on a link of some megabits", () => {
    const { windowBytes } = new Download({ roundTripMs: 20, bytesPerMs: 500 }).run(60_000);
    assert.ok(windowBytes / 500 < 300, `${windowBytes} bytes`);
  });

  it("cost a connection with small answers hardly a PING", () => {
    let pings = 0;
    const clock = new ManualClock();
    const growth = new WindowGrowth(clock, firstBytes, mostBytes, {
      ask: (onAnswer) => {
        pings++;
        clock.stall(1);
        onAnswer();
      },
      grow: () => assert.fail("nothing was short"),
    });
    growth.tookRoundTrip(1);
    // What a quarter of the window takes of answers of 100 bytes.
    for (let credits = 0; credits < 1_600; credits++) growth.credited(0);
    assert.ok(pings <= 104, `${pings} PINGs for 26 MB`);
  });
});
