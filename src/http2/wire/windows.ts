import { largestWindowBytes } from "./frames.ts";

/** What a peer may still send, of a connection or of one stream (RFC 9113 §5.2). */
export interface ReceiveWindow {
  /** By our account: never less than by the peer's, so that an overrun is the peer's fault. */
  receiveWindowBytes: number;
  /** Read by now, and not yet given back. */
  unrefundedBytes: number;
}

/** Takes note of flow-controlled bytes that came. Returns false when the peer had no right to send them. */
export function receive(window: ReceiveWindow, bytes: number): boolean {
  window.receiveWindowBytes -= bytes;
  return window.receiveWindowBytes >= 0;
}

/** Credit that comes later finds a peer that waits: of half a window, for half of the time that the credit is under way. */
const refundShare = 0.25;

/**
 * Gives bytes back that were read. Returns the increment to announce now: 0 until a quarter of the window's full size has
 * been gathered, because a WINDOW_UPDATE costs both sides as much as a small message.
 */
export function refund(window: ReceiveWindow, bytes: number, fullBytes: number): number {
  const increment = window.unrefundedBytes + bytes;
  if (increment === 0 || increment < fullBytes * refundShare) {
    window.unrefundedBytes = increment;
    return 0;
  }
  window.unrefundedBytes = 0;
  window.receiveWindowBytes += increment;
  return increment;
}

/** A send window after the peer changed it. Undefined when that is more than a window may be (RFC 9113 §6.9.1). */
export function grow(windowBytes: number, increment: number): number | undefined {
  const grown = windowBytes + increment;
  return grown > largestWindowBytes ? undefined : grown;
}
