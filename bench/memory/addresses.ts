import type { TcpAddress } from "../../src/index.ts";

/** `count` addresses of 127.0.0.0/8 from number `from` on. */
export function addressesOf(from: number, count: number, port = 50_051): TcpAddress[] {
  return Array.from({ length: count }, (_, i) => {
    const host = from + i + 1;
    return { host: `127.${(host >> 16) & 0xff}.${(host >> 8) & 0xff}.${host & 0xff}`, port };
  });
}
