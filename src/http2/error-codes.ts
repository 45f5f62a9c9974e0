import { Code } from "@connectrpc/connect";
import type { Failure, Progress } from "../base/errors.ts";
import { peerText } from "../base/peer-text.ts";

/** HTTP/2 error codes, RFC 9113 §7. */
export const http2ErrorCode = {
  noError: 0,
  protocolError: 1,
  internalError: 2,
  flowControlError: 3,
  settingsTimeout: 4,
  streamClosed: 5,
  frameSizeError: 6,
  refusedStream: 7,
  cancel: 8,
  compressionError: 9,
  connectError: 10,
  enhanceYourCalm: 11,
  inadequateSecurity: 12,
  http11Required: 13,
} as const;

const names = [
  "NO_ERROR",
  "PROTOCOL_ERROR",
  "INTERNAL_ERROR",
  "FLOW_CONTROL_ERROR",
  "SETTINGS_TIMEOUT",
  "STREAM_CLOSED",
  "FRAME_SIZE_ERROR",
  "REFUSED_STREAM",
  "CANCEL",
  "COMPRESSION_ERROR",
  "CONNECT_ERROR",
  "ENHANCE_YOUR_CALM",
  "INADEQUATE_SECURITY",
  "HTTP_1_1_REQUIRED",
] as const;

/** `REFUSED_STREAM (0x7)`, say. */
export function http2ErrorName(code: number): string {
  return `${names[code] ?? "unknown error code"} (0x${code.toString(16)})`;
}

/** A GOAWAY as `grpc.disconnect_error` has it (gRFC A94). */
export function goawayLabel(code: number): string {
  return `GOAWAY ${names[code] ?? "unknown"}`;
}

/** gRPC's code for a RST_STREAM: the table of PROTOCOL-HTTP2.md, "Errors". */
function codeOfReset(code: number): Code {
  switch (code) {
    case http2ErrorCode.refusedStream:
      return Code.Unavailable;
    case http2ErrorCode.cancel:
      return Code.Canceled;
    case http2ErrorCode.enhanceYourCalm:
      return Code.ResourceExhausted;
    case http2ErrorCode.inadequateSecurity:
      return Code.PermissionDenied;
    default:
      return Code.Internal;
  }
}

/** The peer reset one stream and kept the connection. */
export function resetFailure(address: string, code: number): Failure {
  return {
    kind: "stream-reset",
    code: codeOfReset(code),
    progress: code === http2ErrorCode.refusedStream ? "refused" : "unknown",
    message:
      code === http2ErrorCode.noError
        ? "the server ended the stream without a status"
        : `the server reset the stream with ${http2ErrorName(code)}`,
    address,
  };
}

/** What a GOAWAY said. */
export interface Goaway {
  readonly code: number;
  readonly lastStreamId: number;
  /** Debug data as {@link peerText}. */
  readonly debug: string;
}

/** The server counts our PINGs as abuse (gRFC A8). */
export function isTooManyPings({ code, debug }: Pick<Goaway, "code" | "debug">): boolean {
  return code === http2ErrorCode.enhanceYourCalm && debug.includes("too_many_pings");
}

/** More than is shown of a GOAWAY's debug data. */
const debugMaxBytes = 1_024;

/** Reads a GOAWAY's debug data as text that may be shown. */
export function goawayDebugText(data: Uint8Array | undefined): string {
  return data === undefined ? "" : peerText(Buffer.from(data.subarray(0, debugMaxBytes)).toString("utf8"));
}

/**
 * The connection ended with a GOAWAY under a stream. Streams above its last id were not processed; the others may have
 * run, the last one too: RFC 9113 §6.8 names no culprit, and where a server gives up on the connection (Node's does, once
 * too many streams were reset, and says ENHANCE_YOUR_CALM) the last id is a bystander's. So whatever its code is, these
 * calls are lost with their connection, and another one may serve them.
 */
export function goawayFailure(address: string, goaway: Goaway, streamId: number): Failure {
  const progress: Progress = streamId > goaway.lastStreamId ? "refused" : "unknown";
  const debug = goaway.debug === "" ? "" : `: ${goaway.debug}`;
  const message = `the server ended the connection with GOAWAY ${http2ErrorName(goaway.code)}${debug}`;
  const inGoodOrder = goaway.code === http2ErrorCode.noError;
  return { kind: "goaway", code: Code.Unavailable, progress, message, address, inGoodOrder };
}
