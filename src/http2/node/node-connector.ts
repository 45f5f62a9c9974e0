import type { Address } from "../../endpoint/address.ts";
import { builtinModule } from "../../runtime/builtin-modules.ts";
import type { Connection, ConnectionListener, Connector } from "../connection.ts";
import { type DialOptions, dial, type Handshake } from "../dial/dial.ts";
import type { NodeOptions } from "../engine-choice.ts";
import type { Http2Limits } from "../limits.ts";
import { NodeHttp2Connection, type NodeHttp2Context } from "./node-connection.ts";
import { fieldOverheadBytes, maxSendHeaderBlockBytes, RequestHeaderMaker } from "./node-headers.ts";

/** The HTTP/2 engine on `node:http2`. Only the files of this name know that module; `nodeOptions` go to it as they are. */
export class NodeHttp2Connector implements Connector {
  readonly #dial: DialOptions;
  readonly #limits: Http2Limits;
  readonly #nodeOptions: NodeOptions;
  readonly #context: NodeHttp2Context;

  constructor(dialOptions: DialOptions, limits: Http2Limits, nodeOptions: NodeOptions = {}) {
    const { target, runtime } = dialOptions;
    this.#dial = dialOptions;
    this.#limits = limits;
    this.#nodeOptions = nodeOptions;
    this.#context = {
      requestHeaders: new RequestHeaderMaker(target),
      maxHeaderListBytes: limits.maxHeaderListBytes,
      clock: runtime.clock,
    };
  }

  connect(address: Address, listener: ConnectionListener, signal: AbortSignal): Promise<Connection> {
    return dial(this.#dial, address, signal, (handshake) => this.#speak(handshake, listener));
  }

  #speak(handshake: Handshake, listener: ConnectionListener): void {
    const { target } = this.#dial;
    const { initialWindowBytes, connectionWindowBytes, maxHeaderListBytes } = this.#limits;
    const nodeOptions = this.#nodeOptions;
    const { connect } = builtinModule("node:http2");
    const session = connect(`${target.tls ? "https" : "http"}://${target.authority}`, {
      // Node refuses streams with ENHANCE_YOUR_CALM once a session holds 10 MB (nodejs/node#27416).
      maxSessionMemory: 1_000,
      maxSendHeaderBlockLength: maxSendHeaderBlockBytes,
      // As many as fit into maxHeaderListBytes: that is the one limit.
      maxHeaderListPairs: Math.ceil(maxHeaderListBytes / fieldOverheadBytes),
      ...nodeOptions,
      createConnection: () => handshake.socket,
      settings: {
        ...nodeOptions.settings,
        enablePush: false,
        initialWindowSize: initialWindowBytes,
        maxHeaderListSize: maxHeaderListBytes,
      },
    });
    const connection = new NodeHttp2Connection(this.#context, session, handshake, listener);
    session.once("remoteSettings", () => {
      session.setLocalWindowSize(connectionWindowBytes);
      if (!handshake.succeed(connection)) session.destroy();
    });
    session.once("close", () => handshake.fail(connection.cause ?? new Error("the peer closed the connection")));
  }
}
