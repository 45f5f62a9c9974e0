import type { Compression } from "@connectrpc/connect/protocol";
import { type BuiltinCompression, brotli, gzip, isBuiltin } from "./builtin-compressions.ts";

/** A variable, so that bundlers do not take connect-node in for it. */
const moduleName = "@connectrpc/connect-node";

/**
 * Knows connect-node's `compressionGzip` and `compressionBrotli`, which users put into their options, from Compressions
 * of users' own: what is built in does the same, and can do it at once. By identity, because a name says nothing of what
 * else an object does. Whoever has them has loaded connect-node, so that asking for it costs nothing; until it answers,
 * and where this is another copy of it than the user's, they are used as they are.
 */
export class ConnectNodeCompressions {
  #builtins: ReadonlyMap<Compression, BuiltinCompression> | undefined;

  /** The built-in equivalent of `compression`, or undefined: none, or not known yet. */
  builtinOf(compression: Compression): BuiltinCompression | undefined {
    if (isBuiltin(compression)) return compression;
    if (compression.name !== gzip.name && compression.name !== brotli.name) return undefined;
    if (this.#builtins === undefined) {
      this.#builtins = new Map();
      this.#load();
    }
    return this.#builtins.get(compression);
  }

  #load(): void {
    (import(/* webpackIgnore: true */ moduleName) as Promise<typeof import("@connectrpc/connect-node")>).then(
      ({ compressionGzip, compressionBrotli }) => {
        this.#builtins = new Map([
          [compressionGzip, gzip],
          [compressionBrotli, brotli],
        ]);
      },
      // A bundle need not have it under this name.
      () => undefined,
    );
  }
}
