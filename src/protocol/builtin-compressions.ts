import type { CompressCallback } from "node:zlib";
import { Code, type ConnectError } from "@connectrpc/connect";
import type { Compression } from "@connectrpc/connect/protocol";
import { earlyError } from "../base/connect-error.ts";
import { builtinModule } from "../runtime/builtin-modules.ts";

type Zlib = typeof import("node:zlib");

interface ConversionOptions {
  readonly maxOutputLength?: number;
  readonly chunkSize?: number;
  readonly windowBits?: number;
  readonly level?: number;
}

type Conversion = (bytes: Uint8Array, options: ConversionOptions, callback: CompressCallback) => void;
type ConversionAtOnce = (bytes: Uint8Array, options: ConversionOptions) => Uint8Array<ArrayBuffer>;

/**
 * A Compression that can also work at once, where that is short. Of a small message the way through Node's thread pool
 * costs five to ten times what zlib does with it, and of 128 KiB as much as it spares the event loop.
 */
export interface BuiltinCompression extends Compression {
  /** Messages of up to this many bytes may be compressed at once. 0: none, because it takes milliseconds. */
  readonly atOnceMaxBytes: number;
  compressAtOnce(bytes: Uint8Array): Uint8Array;
  /**
   * What `bytes` inflate to, in memory that is shared with nothing; undefined where that is more than `maxBytes`, or more
   * than is done at once: then `decompress` has to do it. Throws a ConnectError.
   */
  inflateAtOnce(bytes: Uint8Array, maxBytes: number): Uint8Array | undefined;
}

/** The most that a message inflates to at once: half a millisecond. */
const inflatedAtOnceMaxBytes = 131_072;

/** From here on Node gives a Buffer memory of its own: half of `Buffer.poolSize`. */
const unpooledBytes = 4_096;

/** gzip cannot do more: a stored byte announces what this many could make. */
const gzipMaxRatio = 1_032;

/** A fourth to nine tenths of the time that zlib's usual level 6 takes, for up to an eighth more bytes. */
const gzipLevel = 3;

/** The least that zlib takes as the size of a piece of its output. */
const leastChunkBytes = 64;

/**
 * gzip and brotli, as connect-node's `compressionGzip` and `compressionBrotli` have them: the same names and texts, and
 * the same settings but for gzip's level. Of our own, because most calls have a use for neither, and loading connect-node
 * costs more than all of this package.
 */
export const gzip: BuiltinCompression = {
  name: "gzip",
  compress: (bytes) => convert(zlib().gzip, bytes, gzipOptions(bytes)),
  decompress: (bytes, readMaxBytes) =>
    decompress(zlib().gunzip, bytes, readMaxBytes, outputOf(announcedBytes(bytes), readMaxBytes)),
  atOnceMaxBytes: 65_536,
  compressAtOnce: (bytes) => zlib().gzipSync(bytes, gzipOptions(bytes)),
  inflateAtOnce: (bytes, maxBytes) => {
    const plainBytes = announcedBytes(bytes);
    if (plainBytes > Math.min(maxBytes, inflatedAtOnceMaxBytes)) return undefined;
    return inflateAtOnce(zlib().gunzipSync, bytes, Math.max(1, plainBytes), outputOf(plainBytes, maxBytes));
  },
};

export const brotli: BuiltinCompression = {
  name: "br",
  compress: (bytes) => convert(zlib().brotliCompress, bytes, {}),
  decompress: (bytes, readMaxBytes) => decompress(zlib().brotliDecompress, bytes, readMaxBytes, {}),
  // In connect-node's settings 4 KiB take up to 15 ms.
  atOnceMaxBytes: 0,
  compressAtOnce: (bytes) => zlib().brotliCompressSync(bytes),
  inflateAtOnce: (bytes, maxBytes) => {
    if (bytes.length > inflatedAtOnceMaxBytes / 2) return undefined;
    // Text takes a fifth as a rule. What is more comes in further pieces.
    const chunkSize = Math.min(inflatedAtOnceMaxBytes, 8 * bytes.length + leastChunkBytes);
    return inflateAtOnce(zlib().brotliDecompressSync, bytes, Math.min(maxBytes, inflatedAtOnceMaxBytes), { chunkSize });
  },
};

export function isBuiltin(compression: Compression): compression is BuiltinCompression {
  return compression === gzip || compression === brotli;
}

function zlib(): Zlib {
  return builtinModule("node:zlib");
}

/**
 * The size that ends a gzip member (RFC 1952 §2.3.1), as far as these bytes could come to it. The truth but of several
 * members, of 4 GiB and more, and of whoever lies: it says what to reserve, and not what to believe.
 */
function announcedBytes(bytes: Uint8Array): number {
  const at = bytes.length - 4;
  if (at < 0) return 0;
  const high = (bytes[at + 2] as number) + (bytes[at + 3] as number) * 256;
  const announced = (bytes[at] as number) + (bytes[at + 1] as number) * 256 + high * 65_536;
  return Math.min(announced, bytes.length * gzipMaxRatio);
}

function gzipOptions({ length }: Uint8Array): ConversionOptions {
  return {
    // A window that is larger than what it looks at is cleared for nothing: a fifth of a small message's cost.
    windowBits: Math.max(9, Math.min(15, 32 - Math.clz32(length))),
    level: gzipLevel,
    // Little memory for a message that gets short, and few pieces for one that does not: it grows by 5 bytes for 16 KiB.
    chunkSize: length > unpooledBytes ? Math.max(unpooledBytes, length >> 2) : length + 2 * leastChunkBytes,
  };
}

/** One piece for all of the output, and a byte by which zlib sees that this is all: not 16 KiB for each, joined. */
function outputOf(plainBytes: number, maxBytes: number): ConversionOptions {
  return { chunkSize: Math.max(leastChunkBytes, Math.min(plainBytes, maxBytes) + 1) };
}

function inflateAtOnce(
  conversion: ConversionAtOnce,
  bytes: Uint8Array,
  maxOutputLength: number,
  options: ConversionOptions,
): Uint8Array | undefined {
  if (bytes.length === 0) return new Uint8Array(0);
  try {
    return own(conversion(bytes, { ...options, maxOutputLength }));
  } catch (error) {
    if (isTooLarge(error)) return undefined;
    throw failed(error);
  }
}

/** An empty message may be sent as no bytes at all, without the frame of its compression. */
async function decompress(
  conversion: Conversion,
  bytes: Uint8Array,
  readMaxBytes: number,
  options: ConversionOptions,
): Promise<Uint8Array<ArrayBuffer>> {
  if (bytes.length === 0) return new Uint8Array(0);
  try {
    return own(await convert(conversion, bytes, { ...options, maxOutputLength: readMaxBytes }));
  } catch (error) {
    if (!isTooLarge(error)) throw failed(error);
    const text = `message is larger than configured readMaxBytes ${readMaxBytes} after decompression`;
    throw earlyError("message-size", Code.ResourceExhausted, text, error);
  }
}

function isTooLarge(error: unknown): boolean {
  return (error as { code?: unknown }).code === "ERR_BUFFER_TOO_LARGE";
}

function failed(error: unknown): ConnectError {
  return earlyError("encoding", Code.Internal, "decompression failed", error);
}

/** A plain Uint8Array of memory that nothing else is in. */
function own(bytes: Uint8Array<ArrayBuffer>): Uint8Array<ArrayBuffer> {
  const { buffer, byteOffset, length } = bytes;
  const isWasteful = buffer.byteLength - length > length / 8;
  return length < unpooledBytes || isWasteful ? new Uint8Array(bytes) : new Uint8Array(buffer, byteOffset, length);
}

function convert(
  conversion: Conversion,
  bytes: Uint8Array,
  options: ConversionOptions,
): Promise<Uint8Array<ArrayBuffer>> {
  return new Promise((resolve, reject) => {
    conversion(bytes, options, (error, result) => {
      if (error === null) resolve(result as Uint8Array<ArrayBuffer>);
      else reject(error);
    });
  });
}
