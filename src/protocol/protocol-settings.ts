import type { Compression } from "@connectrpc/connect/protocol";

/** What a protocol needs to know of a transport. */
export interface ProtocolSettings {
  readonly messageFormat: "proto" | "json";
  /** What responses may be compressed with: a status may be, too. */
  readonly acceptCompression: readonly Compression[];
  /** What an end of a response may inflate to; undefined: see `inflate`. */
  readonly inflateMaxBytes: number | undefined;
  /** Calls without side effects go as GET where they can. */
  readonly useHttpGet: boolean;
}
