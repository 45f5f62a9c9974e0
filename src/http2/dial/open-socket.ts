import { connect as connectTcp, type Socket, type TcpSocketConnectOpts } from "node:net";
import type { ConnectionOptions } from "node:tls";
import { ipVersion } from "../../base/ip-version.ts";
import { type Address, formatAddress } from "../../endpoint/address.ts";
import type { Target } from "../../endpoint/target.ts";
import { builtinModule } from "../../runtime/builtin-modules.ts";
import type { SocketInput } from "../socket-input.ts";
import type { HttpProxy } from "./proxy.ts";
import type { TlsSessions } from "./tls-sessions.ts";

/** What every socket of one transport has in common. */
export interface SocketOptions {
  readonly target: Target;
  /** Options of `net.connect` and `tls.connect`, from the user's `nodeOptions`. */
  readonly tls: ConnectionOptions;
  /**
   * The user's own way to open a socket, from `nodeOptions`: a tunnel, say. The URL has the scheme of baseUrl and the
   * address to dial, or is `unix:` and the path. What it returns is used as it is, so TLS is its own affair.
   */
  readonly createConnection?: ((url: URL) => Socket) | undefined;
  /** Through which connections go, if the user wants one. Not beside `createConnection`. */
  readonly proxy?: HttpProxy | undefined;
  /** Of earlier dials with these options, to resume. */
  readonly tlsSessions: TlsSessions;
}

/** Opens a socket to `address`. Throws what the user's own function, or a wrong option of tls.connect, throws. */
export function openSocket(options: SocketOptions, address: Address, input: SocketInput | undefined): Socket {
  const { target, tls, createConnection } = options;
  if (createConnection !== undefined) {
    const text = formatAddress(address);
    const url = new URL("path" in address ? text : `${target.tls ? "https" : "http"}://${text}`);
    const socket: unknown = createConnection(url);
    if (!(socket instanceof Promise)) return socket as Socket;
    socket.then(
      (late) => late?.destroy?.(),
      () => undefined,
    );
    throw new TypeError("createConnection must return a socket, not a promise");
  }
  const place = "path" in address ? { path: address.path.replace(/^@/, "\0") } : address;
  // Whatever nodeOptions say of the place: the resolver says where.
  const endpoint = { ...nowhere, ...place, ...(input && { onread: input.onread }) };
  if (target.tls) return openTls(options, address, endpoint);
  return connectTcp({ ...(tls as TcpSocketConnectOpts), ...endpoint, noDelay: true });
}

/** Opens a socket to the proxy. Throws what a wrong option of tls.connect throws. */
export function openProxySocket({ host, port, tls }: HttpProxy): Socket {
  if (tls === undefined) return connectTcp({ host, port, noDelay: true });
  const { connect: connectTls } = builtinModule("node:tls");
  const servername = ipVersion(host) === 0 ? host : "";
  return connectTls({ servername, ...tls, host, port, ALPNProtocols: ["http/1.1"] }).setNoDelay(true);
}

/** The socket to `address` on a tunnel that a proxy has opened. Throws what a wrong option of tls.connect throws. */
export function socketInTunnel(options: SocketOptions, address: Address, tunnel: Socket): Socket {
  return options.target.tls ? openTls(options, address, { ...nowhere, socket: tunnel }) : tunnel;
}

const nowhere = { host: undefined, port: undefined, path: undefined };

function openTls({ target, tls, tlsSessions }: SocketOptions, address: Address, place: ConnectionOptions): Socket {
  const { checkServerIdentity, connect: connectTls } = builtinModule("node:tls");
  // Read once: an option may be a getter, for certificates that are renewed, or a list that changes.
  const own: ConnectionOptions = Object.fromEntries(Object.entries(tls).map(([name, value]) => [name, copied(value)]));
  const verify = own.checkServerIdentity ?? checkServerIdentity;
  const servername = own.servername || target.host;
  // RFC 6066 §3: no dot at the end, and no IP address; "" is Node's way to send none.
  const name = (own.servername ?? target.host).replace(/\.$/, "");
  const key = formatAddress(address);
  const session = tlsSessions.take(key, own);
  const socket = connectTls({
    ALPNProtocols: ["h2"],
    ...own,
    ...place,
    ...(session === undefined ? {} : { session }),
    servername: ipVersion(name) === 0 ? name : "",
    // Against the name of baseUrl, never against the address dialled.
    checkServerIdentity: (_, certificate) => verify(servername, certificate),
  });
  socket.on("session", (offered: Buffer) => tlsSessions.keep(key, offered, own));
  socket.once("secureConnect", () => {
    // Node hears of no other session where one was resumed, so it serves again, as in Node's own https.Agent.
    if (session !== undefined && socket.isSessionReused()) tlsSessions.keep(key, session, own);
  });
  return socket.setNoDelay(true);
}

function copied(value: unknown): unknown {
  return Array.isArray(value) ? [...value] : value;
}
