import { checkBoolean, checkNumber, longestMs, orDefault } from "../base/check.ts";
import type { KeepaliveOptions } from "./keepalive.ts";

/** When a connection is asked by PING whether its peer lives. */
export interface KeepaliveInit {
  /**
   * PING each connection that left calls without a byte for this long. Default: none, and a PING goes only where it did so
   * for 30 s, or where a call missed its deadline. From 1; `Infinity`: no PINGs at all. gRPC core:
   * GRPC_ARG_KEEPALIVE_TIME_MS.
   */
  pingIntervalMs?: number;
  /**
   * `true`: with `pingIntervalMs`, connections without calls are asked too. Default `false`. gRPC core:
   * GRPC_ARG_KEEPALIVE_PERMIT_WITHOUT_CALLS.
   */
  pingIdleConnection?: boolean;
  /**
   * A connection whose PING is not answered within this time is dead: its calls fail with Unavailable, and it is dialled
   * anew. So long may it take to notice a lost peer. Default 15 000, from 1. Without `pingIntervalMs` it is for the PING
   * after a missed deadline; the one after 30 s of silence has 10 s. A PING behind an upload that the peer reads slowly
   * has its time from when it left. gRPC core: GRPC_ARG_KEEPALIVE_TIMEOUT_MS.
   */
  pingTimeoutMs?: number;
}

export const keepaliveDefaults: KeepaliveOptions = Object.freeze({
  pingIntervalMs: undefined,
  pingIdleConnection: false,
  pingTimeoutMs: 15_000,
});

export function checkKeepaliveOptions(given: KeepaliveInit): KeepaliveOptions {
  const { pingIntervalMs } = given;
  const { pingIdleConnection, pingTimeoutMs } = keepaliveDefaults;
  const time = { min: 1, max: longestMs };
  const interval = { ...time, infinity: "no PINGs, not even the watchdog's" };
  return {
    pingIntervalMs: pingIntervalMs === undefined ? undefined : checkNumber("pingIntervalMs", pingIntervalMs, interval),
    pingIdleConnection: checkBoolean("pingIdleConnection", orDefault(given.pingIdleConnection, pingIdleConnection)),
    pingTimeoutMs: checkNumber("pingTimeoutMs", orDefault(given.pingTimeoutMs, pingTimeoutMs), time),
  };
}
