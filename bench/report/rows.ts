import { cpuRatio, type Figures, type FiguresByName, type LoadResult } from "../figures.ts";
import type { PeerName } from "../loads.ts";
import type { Spread } from "../statistics.ts";

/** Those of which each load has at most one, so that they share a column or a colour: each speaks one protocol. */
export const connectNode: readonly PeerName[] = [
  "createGrpcTransport",
  "createGrpcWebTransport",
  "createConnectTransport",
];
export const go: readonly PeerName[] = ["grpc-go", "connect-go"];

/** What the first of them that was measured found. */
export function firstOf(figures: FiguresByName | undefined, peers: readonly PeerName[]): Figures | undefined {
  return peers.map((peer) => figures?.[peer]).find((one) => one !== undefined);
}

/** CPU in that of the client in Go. Undefined where one of them was not measured. */
export function inGoCpu({ figures }: LoadResult, peers: readonly PeerName[]): Spread | undefined {
  const [one, other] = [firstOf(figures, peers), firstOf(figures, go)];
  return one === undefined || other === undefined ? undefined : cpuRatio(one, other);
}
