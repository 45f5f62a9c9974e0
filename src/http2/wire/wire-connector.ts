import type { Address } from "../../endpoint/address.ts";
import type { Connection, ConnectionListener, Connector } from "../connection.ts";
import { type DialOptions, dial, type Handshake } from "../dial/dial.ts";
import { type Http2Limits, maxStreamsPerConnection } from "../limits.ts";
import type { UnreadMemory } from "../unread-memory.ts";
import { HuffmanDecoder } from "./hpack/huffman.ts";
import { WireConnection, type WireConnectionOptions } from "./wire-connection.ts";

const readBufferBytes = 65_536;

/** glink's own HTTP/2 engine, straight on sockets. */
export class WireConnector implements Connector {
  readonly #dial: DialOptions;
  readonly #options: WireConnectionOptions;

  constructor(dialOptions: DialOptions, limits: Http2Limits, unread: UnreadMemory) {
    // All connections read into the same memory, one after the other: a thousand idle ones hold nothing.
    this.#dial = { ...dialOptions, readBuffer: Buffer.allocUnsafeSlow(readBufferBytes) };
    this.#options = wireConnectionOptions(dialOptions, limits, unread);
  }

  connect(address: Address, listener: ConnectionListener, signal: AbortSignal): Promise<Connection> {
    const start = (handshake: Handshake) => {
      new WireConnection(handshake, this.#options, listener);
    };
    return dial(this.#dial, address, signal, start);
  }
}

/** What the connections of one target have in common. */
export function wireConnectionOptions(
  { target, runtime }: DialOptions,
  limits: Http2Limits,
  unread: UnreadMemory,
): WireConnectionOptions {
  return {
    scheme: target.tls ? "https" : "http",
    authority: target.authority,
    limits,
    clock: runtime.clock,
    huffman: new HuffmanDecoder(),
    unread,
    maxStreams: maxStreamsPerConnection,
  };
}
