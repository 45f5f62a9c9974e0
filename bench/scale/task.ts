import type { TcpAddress } from "../../src/index.ts";

/** What one measured process of bench:scale has to do. */
export interface ScaleTask {
  readonly peer: "glink" | "grpc-js" | "sockets";
  readonly backends: number;
  /** Of the servers, each of which listens at all addresses of 127.0.0.0/8. */
  readonly ports: readonly number[];
  /** The authority of the servers' certificate; undefined: plaintext. */
  readonly certificate: string | undefined;
  /** How long each phase lasts at least. */
  readonly phaseMs: number;
}

/** Times in milliseconds; undefined where a peer has no such thing. */
export type ScaleReport = Readonly<Record<string, number>>;

/** Backend number `from` and onwards: the addresses of 127.0.0.0/8, the servers in turn. */
export function addresses(from: number, count: number, ports: readonly number[]): TcpAddress[] {
  return Array.from({ length: count }, (_, i) => {
    const host = from + i + 1;
    const port = ports[i % ports.length] as number;
    return { host: `127.${(host >> 16) & 0xff}.${(host >> 8) & 0xff}.${host & 0xff}`, port };
  });
}
