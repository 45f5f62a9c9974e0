import type { Connector } from "../connection.ts";
import type { DialOptions } from "../dial/dial.ts";
import { PacedConnector } from "../dial/paced-connector.ts";
import { TlsSessions } from "../dial/tls-sessions.ts";
import type { Http2Limits } from "../limits.ts";
import type { UnreadMemory } from "../unread-memory.ts";
import { WireConnector } from "./wire-connector.ts";

export { probeAddress } from "./prober.ts";

/** glink's own engine, for one transport. This module is loaded when a transport begins to look up its backends. */
export function wireEngine(
  options: Omit<DialOptions, "tlsSessions">,
  limits: Http2Limits,
  unread: UnreadMemory,
): Connector {
  const dial = { ...options, tlsSessions: new TlsSessions() };
  return new PacedConnector(new WireConnector(dial, limits, unread), options.runtime.clock);
}
