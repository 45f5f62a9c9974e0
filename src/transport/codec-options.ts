import type { Compression } from "@connectrpc/connect/protocol";
import type { GrpcTransportOptions } from "@connectrpc/connect-node";
import { checkBoolean, checkNumber, describeValue, orDefault } from "../base/check.ts";
import { messageMaxBytes } from "../calls/calls-options.ts";
import { brotli, gzip } from "../protocol/builtin-compressions.ts";
import { checkCompression } from "../protocol/compression.ts";

type Given<Name extends keyof GrpcTransportOptions> = NonNullable<GrpcTransportOptions[Name]>;

/** How messages are written and read: connect-node's own options, with the same meaning. */
export interface CodecInit {
  /** `false`: messages are JSON (application/grpc+json). Default `true`. */
  useBinaryFormat?: boolean;
  /** Options of protobuf-es' `toBinary` and `fromBinary`. Default: none. */
  binaryOptions?: Given<"binaryOptions">;
  /** Options of protobuf-es' `toJson` and `fromJson`. Default: none, but unknown fields are ignored. */
  jsonOptions?: Given<"jsonOptions">;
  /**
   * What responses may be compressed with, the most preferred first. Default gzip, br: both built in. An empty array:
   * nothing.
   */
  acceptCompression?: Given<"acceptCompression">;
  /**
   * What requests are compressed with. Default: none. connect-node's `compressionGzip` is done by what is built in, small
   * and middle messages without the thread pool, and above 16 KiB at level 3. A Compression of one's own does as it likes.
   */
  sendCompression?: Given<"sendCompression">;
  /** Messages below this size are sent as they are. Default 1 024, from 0 to 4 294 967 295. */
  compressMinBytes?: number;
  /** The largest message that may be sent; beyond: ResourceExhausted. Default 4 294 967 295, from 1 to 4 294 967 295. */
  writeMaxBytes?: number;
}

export interface CodecSettings {
  readonly useBinaryFormat: boolean;
  readonly binaryOptions: Given<"binaryOptions"> | undefined;
  readonly jsonOptions: Given<"jsonOptions"> | undefined;
  readonly acceptCompression: readonly Compression[];
  readonly sendCompression: Given<"sendCompression"> | undefined;
  readonly compressMinBytes: number;
  readonly writeMaxBytes: number;
}

export const codecDefaults: Omit<CodecSettings, "binaryOptions" | "jsonOptions" | "sendCompression"> = Object.freeze({
  useBinaryFormat: true,
  acceptCompression: Object.freeze([gzip, brotli]),
  compressMinBytes: 1_024,
  writeMaxBytes: messageMaxBytes,
});

export function checkCodecOptions(given: CodecInit): CodecSettings {
  const { acceptCompression = codecDefaults.acceptCompression, sendCompression } = given;
  if (!Array.isArray(acceptCompression)) {
    throw new TypeError(`acceptCompression must be an array, not ${describeValue(acceptCompression)}`);
  }
  for (const [i, one] of acceptCompression.entries()) checkCompression(`acceptCompression[${i}]`, one, "decompress");
  if (sendCompression !== undefined) checkCompression("sendCompression", sendCompression, "compress");
  const bytes = (name: "compressMinBytes" | "writeMaxBytes", min: number) =>
    checkNumber(name, orDefault(given[name], codecDefaults[name]), { min, max: messageMaxBytes, integer: true });
  return {
    useBinaryFormat: checkBoolean("useBinaryFormat", orDefault(given.useBinaryFormat, codecDefaults.useBinaryFormat)),
    binaryOptions: given.binaryOptions,
    jsonOptions: given.jsonOptions,
    acceptCompression: [...acceptCompression],
    sendCompression,
    compressMinBytes: bytes("compressMinBytes", 0),
    writeMaxBytes: bytes("writeMaxBytes", 1),
  };
}
