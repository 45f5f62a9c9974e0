/** The few parts of HTTP/2 (RFC 9113) that a canned server writes. */
export const frameHeaderBytes = 9;

/** The default SETTINGS_MAX_FRAME_SIZE: every peer accepts it. */
export const maxFrameBytes = 16_384;

export const frameType = {
  data: 0,
  headers: 1,
  resetStream: 3,
  settings: 4,
  ping: 6,
  windowUpdate: 8,
} as const;

export const flag = { endStream: 0x1, ack: 0x1, endHeaders: 0x4, padded: 0x8 } as const;

/** RFC 9113 §6.5.2 */
export const setting = { initialWindowSize: 4 } as const;

/** What every HTTP/2 client sends first. */
export const prefaceBytes = Buffer.from("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n").length;

/** Header fields without a dynamic table: `:status 200` from the static table, all else literal and never indexed. */
function headerBlock(fields: readonly (readonly [string, string])[], withStatus: boolean): Buffer {
  const parts = withStatus ? [Buffer.from([0x88])] : [];
  for (const [name, value] of fields) {
    // RFC 7541 §6.2.2, a new name: 0x00, then both strings with their length in 7 bits.
    parts.push(Buffer.from([0x00, name.length]), Buffer.from(name), Buffer.from([value.length]), Buffer.from(value));
  }
  return Buffer.concat(parts);
}

const contentType = ["content-type", "application/grpc+proto"] as const;

/** The head of every response. */
export const responseHead = headerBlock([contentType], true);
export const gzipResponseHead = headerBlock([contentType, ["grpc-encoding", "gzip"]], true);
export const webResponseHead = headerBlock([["content-type", "application/grpc-web+proto"]], true);
export const connectUnaryHead = headerBlock([["content-type", "application/proto"]], true);
export const connectStreamHead = headerBlock([["content-type", "application/connect+proto"]], true);
/** The trailers of every response of gRPC's. */
export const okTrailers = headerBlock([["grpc-status", "0"]], false);

/** A gRPC message: flag byte, four bytes of length, the message. */
export function grpcMessage(payload: Uint8Array, flag = 0): Buffer {
  const framed = Buffer.alloc(5 + payload.length);
  framed[0] = flag;
  framed.writeUInt32BE(payload.length, 1);
  framed.set(payload, 5);
  return framed;
}

/** The last message of a response of gRPC-Web's, and of a stream of Connect's. */
export const webEnd = grpcMessage(Buffer.from("grpc-status: 0\r\n"), 0x80);
export const connectEnd = grpcMessage(Buffer.from("{}"), 2);
