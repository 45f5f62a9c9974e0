/** What a protocol needs to know of a transport. */
export interface ProtocolSettings {
  readonly messageFormat: "proto" | "json";
  /** Calls without side effects go as GET where they can. */
  readonly useHttpGet: boolean;
  /**
   * Decompresses what ends a response, its status, where that is compressed as `encoding` says. Rejects where it cannot be
   * had, or is too large.
   */
  inflateEnd(encoding: string | undefined, bytes: Uint8Array): Promise<Uint8Array>;
}
