import { Code, type ConnectError } from "@connectrpc/connect";
import type { Compression } from "@connectrpc/connect/protocol";
import { checkObject, describeValue } from "../base/check.ts";
import { earlyError } from "../base/connect-error.ts";
import { earlyKindOf } from "../base/glink-failure.ts";
import { asConnectError, describeCause } from "../base/thrown.ts";
import { isBuiltin } from "./builtin-compressions.ts";
import { tooLargeText } from "./framing.ts";

/** What the headers grpc-encoding and grpc-accept-encoding can carry: a token (RFC 9110 §5.6.2). */
const token = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/;

/** Returns a Compression that has what its use needs, or throws a TypeError that names the option. */
export function checkCompression(name: string, value: Compression, use: "compress" | "decompress"): Compression {
  const { name: encoding } = checkObject(name, value, "a Compression object");
  if (typeof encoding !== "string" || !token.test(encoding)) {
    throw new TypeError(`${name}.name must be the name of a compression, like "gzip", not ${describeValue(encoding)}`);
  }
  if (typeof value[use] !== "function") {
    throw new TypeError(`${name}.${use} must be a function, not ${describeValue(value[use])}`);
  }
  return value;
}

const unaskedMaxBytes = 67_108_864;
const unaskedMaxRatio = 1_100;

/**
 * What so many compressed bytes may inflate to. Without `readMaxBytes` that is 64 MiB, or 1 100 times what came where that
 * is more: gzip cannot do more than 1 032 times, and brotli can make a gigabyte of 800 bytes.
 */
export function inflatedMaxBytes(compressedBytes: number, readMaxBytes: number | undefined): number {
  return readMaxBytes ?? Math.max(unaskedMaxBytes, compressedBytes * unaskedMaxRatio);
}

/**
 * What was compressed, in a plain Uint8Array that shares its memory with nothing. Rejects with a ConnectError:
 * ResourceExhausted where it is more than {@link inflatedMaxBytes}, Internal where it cannot be had.
 */
export async function inflate(
  compression: Compression,
  compressed: Uint8Array<ArrayBuffer>,
  readMaxBytes: number | undefined,
): Promise<Uint8Array> {
  const maxBytes = inflatedMaxBytes(compressed.length, readMaxBytes);
  let plain: Uint8Array<ArrayBuffer>;
  try {
    plain = await compression.decompress(compressed, maxBytes);
  } catch (error) {
    const stoppedByUs = readMaxBytes === undefined && asConnectError(error)?.code === Code.ResourceExhausted;
    throw stoppedByUs ? tooLargeUnasked(compressed.length, maxBytes, error) : undecompressed(error);
  }
  // A Compression of the user's may not know of limits.
  if (plain.length > maxBytes) {
    if (readMaxBytes === undefined) throw tooLargeUnasked(compressed.length, maxBytes, undefined);
    throw tooLarge(tooLargeText(plain.length, "readMaxBytes", readMaxBytes), undefined);
  }
  return isBuiltin(compression) ? plain : own(plain);
}

function tooLargeUnasked(compressedBytes: number, maxBytes: number, cause: unknown): ConnectError {
  const text = `a message of ${compressedBytes} compressed bytes inflates to more than ${maxBytes}: set readMaxBytes to allow it`;
  return tooLarge(text, cause);
}

function tooLarge(text: string, cause: unknown): ConnectError {
  return earlyError("message-size", Code.ResourceExhausted, text, cause);
}

/** Bytes that cannot be decompressed are the peer's fault, not an invalid argument of the caller's. */
function undecompressed(error: unknown): ConnectError {
  const connectError = asConnectError(error);
  if (connectError !== undefined && earlyKindOf(connectError) !== undefined) return connectError;
  if (connectError?.code === Code.ResourceExhausted) return tooLarge(connectError.rawMessage, error);
  const text = connectError?.rawMessage ?? `decompression failed: ${describeCause(error)}`;
  return earlyError("encoding", Code.Internal, text, error);
}

/**
 * Not the Buffer that a user's zlib makes, which may be a part of a larger one, and whose `slice` shares memory: bytes fields are
 * views of it, and users see them.
 */
function own(bytes: Uint8Array<ArrayBuffer>): Uint8Array {
  return bytes.buffer.byteLength === bytes.length ? new Uint8Array(bytes.buffer) : new Uint8Array(bytes);
}
