import type { Socket } from "node:net";
import type { TLSSocket } from "node:tls";
import type { SocketFacts, TlsFacts } from "../../observe/socket-facts.ts";

/** Reads what a connected socket, perhaps a Duplex of the user's own, says of itself. */
export function socketFactsOf(socket: Socket): SocketFacts {
  const { localAddress, localPort, remoteAddress, remotePort } = socket;
  const { alpnProtocol } = socket as Partial<TLSSocket>;
  return {
    localAddress: placeOf(localAddress, localPort),
    remoteAddress: placeOf(remoteAddress, remotePort),
    alpn: typeof alpnProtocol === "string" ? alpnProtocol : undefined,
    tls: tlsFactsOf(socket as Partial<TLSSocket>),
  };
}

function placeOf(host: string | undefined, port: number | undefined): string | undefined {
  if (typeof host !== "string" || typeof port !== "number") return undefined;
  return host.includes(":") ? `[${host}]:${port}` : `${host}:${port}`;
}

function tlsFactsOf(socket: Partial<TLSSocket>): TlsFacts | undefined {
  if (socket.encrypted !== true) return undefined;
  return {
    protocol: socket.getProtocol?.() ?? undefined,
    cipher: socket.getCipher?.()?.standardName,
    resumed: socket.isSessionReused?.() ?? false,
  };
}
