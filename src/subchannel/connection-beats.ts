import { type KeepaliveOptions, keepaliveStepMs } from "../http2/keepalive.ts";
import { Beat } from "../runtime/beat.ts";
import type { Clock } from "../runtime/clock.ts";
import { idleCheckMs } from "./idle-connection-watch.ts";

/** When the connections of a pool are looked at: all of them together. */
export interface ConnectionBeats {
  readonly keepalive: Beat;
  readonly idleness: Beat;
}

/** Those of connections that are watched with these options. */
export function connectionBeats(
  {
    keepalive,
    idleConnectionTimeoutMs,
  }: { readonly keepalive: KeepaliveOptions; readonly idleConnectionTimeoutMs: number },
  clock: Clock,
): ConnectionBeats {
  return {
    keepalive: new Beat(keepaliveStepMs(keepalive), clock),
    idleness: new Beat(idleCheckMs(idleConnectionTimeoutMs), clock),
  };
}
