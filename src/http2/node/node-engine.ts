import type { Connector } from "../connection.ts";
import type { DialOptions } from "../dial/dial.ts";
import { PacedConnector } from "../dial/paced-connector.ts";
import { TlsSessions } from "../dial/tls-sessions.ts";
import type { NodeOptions } from "../engine-choice.ts";
import type { Http2Limits } from "../limits.ts";
import { NodeHttp2Connector } from "./node-connector.ts";

/** The engine on `node:http2`, for one transport. This module is loaded when a transport that wants it begins to look up its backends. */
export function nodeEngine(
  options: Omit<DialOptions, "tlsSessions">,
  limits: Http2Limits,
  nodeOptions: NodeOptions | undefined,
): Connector {
  const dial = { ...options, tlsSessions: new TlsSessions() };
  return new PacedConnector(new NodeHttp2Connector(dial, limits, nodeOptions), options.runtime.clock);
}
