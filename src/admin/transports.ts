import type { GlinkTransport } from "../index.ts";

/** What pages and channelz need of a transport. */
export type WatchedTransport = Pick<GlinkTransport, "snapshot" | "subscribe">;

/** Returns the transports, or throws a TypeError that says what is wrong with which. */
export function checkTransports(caller: string, transports: readonly WatchedTransport[]): readonly WatchedTransport[] {
  if (!Array.isArray(transports)) throw new TypeError(`${caller} takes an array of transports of glinkTransport`);
  for (const [i, transport] of transports.entries()) {
    const { snapshot, subscribe } = (transport ?? {}) as Partial<WatchedTransport>;
    if (typeof snapshot !== "function" || typeof subscribe !== "function") {
      throw new TypeError(`${caller}: transports[${i}] is not a transport of glinkTransport: it has no snapshot()`);
    }
  }
  return [...transports];
}
