import type { Attributes } from "@opentelemetry/api";
import { networkPeerAddress, networkPeerPort } from "./conventions.ts";

/** The labels of a backend: of `10.0.0.7:50051`, `[::1]:50051` or `unix:/run/echo.sock`. */
export function peerAttributes(address: string): Attributes {
  const tcp = /^(?:\[(.+)\]|([^:/]+)):(\d+)$/.exec(address);
  if (tcp === null) return { [networkPeerAddress]: address.replace(/^unix:/, "") };
  return { [networkPeerAddress]: tcp[1] ?? tcp[2] ?? "", [networkPeerPort]: Number(tcp[3]) };
}
