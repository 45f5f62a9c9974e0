import type { ProtocolName } from "../../protocols/servers.ts";

export type Format = "proto" | "json";
export type Kind = "unary" | "server-stream";

/** One response, and the call that it answers. */
export interface ResponseCase {
  readonly seed: number;
  readonly protocol: ProtocolName;
  readonly kind: Kind;
  readonly format: Format;
  /** The call goes as GET, where the protocol has it. */
  readonly asGet: boolean;
  readonly status: number;
  /** Name and value. */
  readonly headers: readonly (readonly [string, string])[];
  /** The body as it is cut into DATA frames. */
  readonly pieces: readonly Buffer[];
  readonly trailers: readonly (readonly [string, string])[];
  /** What was done to a good response, in words. */
  readonly changes: readonly string[];
}
