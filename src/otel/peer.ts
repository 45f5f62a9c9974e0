import type { Attributes } from "@opentelemetry/api";
import { networkPeerAddress, networkPeerPort } from "./conventions.ts";

/** As many as are kept: pods come and go, and a client seldom has more. */
const maxKnown = 1_000;

const known = new Map<string, Attributes>();

/** The labels of a backend, not to be changed: of `10.0.0.7:50051`, `[::1]:50051` or `unix:/run/echo.sock`. */
export function peerAttributes(address: string): Attributes {
  let attributes = known.get(address);
  if (attributes === undefined) {
    attributes = newPeerAttributes(address);
    if (known.size >= maxKnown) known.clear();
    known.set(address, attributes);
  }
  return attributes;
}

function newPeerAttributes(address: string): Attributes {
  const tcp = /^(?:\[(.+)\]|([^:/]+)):(\d+)$/.exec(address);
  if (tcp === null) return { [networkPeerAddress]: address.replace(/^unix:/, "") };
  return { [networkPeerAddress]: tcp[1] ?? tcp[2] ?? "", [networkPeerPort]: Number(tcp[3]) };
}
