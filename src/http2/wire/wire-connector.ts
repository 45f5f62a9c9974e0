import type { Address } from "../../address.ts";
import type { Connection, ConnectionOwner, Connector } from "../connection.ts";
import { type DialOptions, dial } from "../dial.ts";
import type { Http2Limits } from "../limits.ts";
import { HuffmanDecoder } from "./hpack/huffman.ts";
import { WireConnection, type WireConnectionOptions } from "./wire-connection.ts";

/** A connection retires when this share of its 2^30 stream ids is used, as grpc-go does. */
const maxStreams = Math.floor(0.75 * 2 ** 30);

/** glink's own HTTP/2 engine, straight on sockets. */
export class WireConnector implements Connector {
  readonly name = "wire";
  readonly #dial: DialOptions;
  readonly #options: WireConnectionOptions;

  constructor(dialOptions: DialOptions, limits: Http2Limits) {
    const { target, runtime } = dialOptions;
    this.#dial = dialOptions;
    this.#options = {
      scheme: target.tls ? "https" : "http",
      authority: target.authority,
      limits,
      clock: runtime.clock,
      huffman: new HuffmanDecoder(),
      maxStreams,
    };
  }

  connect(address: Address, owner: ConnectionOwner, signal: AbortSignal): Promise<Connection> {
    return dial(this.#dial, address, signal, (handshake) => {
      new WireConnection(handshake, this.#options, owner);
    });
  }
}
