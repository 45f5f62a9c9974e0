import type { Compression } from "@connectrpc/connect/protocol";
import type { Clock } from "../runtime/clock.ts";
import type { BuiltinCompression } from "./builtin-compressions.ts";
import { inflate, inflatedMaxBytes } from "./compression.ts";
import { CompressionPace } from "./compression-pace.ts";
import { ConnectNodeCompressions } from "./connect-node-compressions.ts";
import { TurnShare } from "./turn-share.ts";

/**
 * Compresses and inflates messages: small and middle ones at once, where a built-in compression does it, and no more of
 * them in a turn of the event loop than its share allows; large ones, and all with users' own Compressions, as their
 * promises say.
 */
export class CompressionWork {
  readonly #clock: Clock;
  readonly #share: TurnShare;
  readonly #connectNode = new ConnectNodeCompressions();
  readonly #pace = new CompressionPace();

  constructor(clock: Clock) {
    this.#clock = clock;
    this.#share = new TurnShare(clock);
  }

  /** Throws, or rejects with, whatever the Compression does. */
  compress(compression: Compression, bytes: Uint8Array): Uint8Array | Promise<Uint8Array> {
    const builtin = this.#connectNode.builtinOf(compression);
    if (builtin !== undefined && bytes.length <= builtin.atOnceMaxBytes && this.#pace.allows(bytes.length)) {
      return this.#share.run(() => this.#compressAtOnce(builtin, bytes));
    }
    // A user's own may do its work at once, and refuse at once.
    return new Promise((resolve) => {
      resolve((builtin ?? compression).compress(bytes as Uint8Array<ArrayBuffer>));
    });
  }

  /** As {@link inflate}; what is done at once throws what that rejects with. */
  inflate(
    compression: Compression,
    compressed: Uint8Array,
    readMaxBytes: number | undefined,
  ): Uint8Array | Promise<Uint8Array> {
    const builtin = this.#connectNode.builtinOf(compression);
    // A Compression of the user's own may hand the bytes to a worker.
    if (builtin === undefined) return inflate(compression, unshared(compressed), readMaxBytes);
    const maxBytes = inflatedMaxBytes(compressed.length, readMaxBytes);
    return this.#share.run<Uint8Array>(
      () =>
        builtin.inflateAtOnce(compressed, maxBytes) ??
        inflate(builtin, compressed as Uint8Array<ArrayBuffer>, readMaxBytes),
    );
  }

  #compressAtOnce(builtin: BuiltinCompression, bytes: Uint8Array): Uint8Array {
    const beganMs = this.#clock.now();
    const compressed = builtin.compressAtOnce(bytes);
    this.#pace.took(bytes.length, this.#clock.now() - beganMs);
    return compressed;
  }
}

function unshared(bytes: Uint8Array): Uint8Array<ArrayBuffer> {
  const isShared = bytes.length < bytes.buffer.byteLength;
  return (isShared ? bytes.slice() : bytes) as Uint8Array<ArrayBuffer>;
}
