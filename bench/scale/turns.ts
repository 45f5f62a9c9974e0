/** How long turns of the event loop take. A turn begins when those before it have ended: it holds up whatever came meanwhile. */
export class TurnMeter {
  #longestMs = 0;

  constructor() {
    let beganMs = performance.now();
    const next = () => {
      const nowMs = performance.now();
      this.#longestMs = Math.max(this.#longestMs, nowMs - beganMs);
      beganMs = nowMs;
      setImmediate(next).unref();
    };
    setImmediate(next).unref();
  }

  /** Since it was asked last. */
  longestMs(): number {
    const longest = this.#longestMs;
    this.#longestMs = 0;
    return longest;
  }
}
