import type { Socket } from "node:net";

/** What a socket says of itself before it is ready. A Duplex from createConnection says nothing, and is ready. */
interface PendingSocket {
  readonly connecting?: boolean;
  /** True until TLS is established, TCP's connect included. Undocumented; node:http2 itself relies on it. */
  readonly secureConnecting?: boolean;
}

/** Told of a socket on its way. */
export interface SocketStepsListener {
  /** TCP is connected, and TLS is not yet. */
  onTls(): void;
  /** It is ready for what is spoken on it: at once where it is already. */
  onReady(): void;
  /** Its error, or that it was closed. More than one may come. */
  onLost(cause: unknown): void;
}

/** Nobody is told of an error any more, and still it must be no uncaught exception. */
const ignored = () => undefined;

/**
 * Follows a new socket until it is ready, and its end until the returned function is called: from then on the socket, which
 * may live for days, keeps nothing of who followed it. It holds no process.
 */
export function followSocket(socket: Socket, listener: SocketStepsListener): () => void {
  const releases: (() => void)[] = [];
  const listen = (event: "connect" | "secureConnect" | "close", heard: () => void) => {
    socket.once(event, heard);
    releases.push(() => socket.removeListener(event, heard));
  };
  const onError = (error: Error) => listener.onLost(error);
  socket.on("error", onError);
  releases.push(() => socket.on("error", ignored).removeListener("error", onError));
  listen("close", () => listener.onLost(new Error("the peer closed the connection")));
  // A Duplex from createConnection may have no unref.
  socket.unref?.();
  const { connecting, secureConnecting } = socket as PendingSocket;
  if (secureConnecting === true) {
    if (connecting === true) listen("connect", () => listener.onTls());
    else listener.onTls();
    listen("secureConnect", () => listener.onReady());
  } else if (connecting === true) {
    listen("connect", () => listener.onReady());
  } else {
    listener.onReady();
  }
  return () => {
    for (const release of releases) release();
  };
}
