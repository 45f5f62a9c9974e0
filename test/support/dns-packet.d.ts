/** The part of dns-packet that the DNS server uses; the package has no types of its own. */
declare module "dns-packet" {
  export interface Question {
    readonly name: string;
    readonly type: string;
    readonly class?: string;
  }
  export type Answer = { readonly name: string; readonly ttl: number } & (
    | { readonly type: "A" | "AAAA" | "CNAME"; readonly data: string }
    | { readonly type: "SRV"; readonly data: { target: string; port: number; priority?: number; weight?: number } }
    | { readonly type: "TXT"; readonly data: readonly string[] }
  );
  export interface Packet {
    readonly id?: number;
    readonly type?: "query" | "response";
    /** The last four bits are the response code. */
    readonly flags?: number;
    readonly questions?: readonly Question[];
    readonly answers?: readonly Answer[];
  }
  export function decode(message: Uint8Array): Packet;
  export function encode(packet: Packet): Uint8Array;
}
