import type { CompressCallback } from "node:zlib";
import { Code, ConnectError } from "@connectrpc/connect";
import type { Compression } from "@connectrpc/connect/protocol";
import { builtinModule } from "../runtime/builtin-modules.ts";

type Zlib = typeof import("node:zlib");
type Conversion = (bytes: Uint8Array, options: { maxOutputLength?: number }, callback: CompressCallback) => void;

/**
 * gzip and brotli, as connect-node's `compressionGzip` and `compressionBrotli` have them: the same names, settings and
 * texts. Of our own, because most calls have a use for neither, and loading connect-node costs more than all of this
 * package.
 */
export const gzip: Compression = {
  name: "gzip",
  compress: (bytes) => convert(zlib().gzip, bytes, {}),
  decompress: (bytes, readMaxBytes) => decompress(zlib().gunzip, bytes, readMaxBytes),
};

export const brotli: Compression = {
  name: "br",
  compress: (bytes) => convert(zlib().brotliCompress, bytes, {}),
  decompress: (bytes, readMaxBytes) => decompress(zlib().brotliDecompress, bytes, readMaxBytes),
};

function zlib(): Zlib {
  return builtinModule("node:zlib");
}

/** An empty message may be sent as no bytes at all, without the frame of its compression. */
async function decompress(
  conversion: Conversion,
  bytes: Uint8Array,
  readMaxBytes: number,
): Promise<Uint8Array<ArrayBuffer>> {
  if (bytes.length === 0) return new Uint8Array(0);
  try {
    return await convert(conversion, bytes, { maxOutputLength: readMaxBytes });
  } catch (error) {
    if ((error as { code?: unknown }).code !== "ERR_BUFFER_TOO_LARGE") {
      throw new ConnectError("decompression failed", Code.Internal, undefined, undefined, error);
    }
    const text = `message is larger than configured readMaxBytes ${readMaxBytes} after decompression`;
    throw new ConnectError(text, Code.ResourceExhausted, undefined, undefined, error);
  }
}

function convert(
  conversion: Conversion,
  bytes: Uint8Array,
  options: { maxOutputLength?: number },
): Promise<Uint8Array<ArrayBuffer>> {
  return new Promise((resolve, reject) => {
    conversion(bytes, options, (error, result) => {
      if (error === null) resolve(result as Uint8Array<ArrayBuffer>);
      else reject(error);
    });
  });
}
