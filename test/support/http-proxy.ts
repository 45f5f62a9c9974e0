import { type AddressInfo, connect, createServer, type Server, type Socket } from "node:net";
import { createServer as createTlsServer, type TlsOptions } from "node:tls";
import { resetSocket } from "../../src/testing/backends/reset-socket.ts";

/** How a proxy of a test should be. */
export interface HttpProxyOptions {
  /** The proxy speaks TLS itself. */
  readonly tls?: TlsOptions;
  /** What `Proxy-Authorization` must say; else the answer is 407. */
  readonly authorization?: string;
  /** In the place of a tunnel: what it does with the socket of each CONNECT. */
  readonly answer?: (socket: Socket, authority: string) => void;
  /** Names that the proxy knows, and where they are. */
  readonly names?: Readonly<Record<string, string>>;
}

/** An HTTP proxy that answers CONNECT, on bare sockets. */
export interface HttpProxy {
  /** Without credentials. */
  readonly url: string;
  readonly port: number;
  /** The authorities of all CONNECT requests. */
  readonly asked: readonly string[];
  /** Whole heads of the requests. */
  readonly heads: readonly string[];
  /** Ends every connection with a TCP RST. */
  reset(): void;
  close(): Promise<void>;
}

/** Starts a proxy. */
export async function startHttpProxy(options: HttpProxyOptions = {}): Promise<HttpProxy> {
  const asked: string[] = [];
  const heads: string[] = [];
  const sockets = new Set<Socket>();
  const keep = (socket: Socket) => {
    sockets.add(socket);
    socket.on("error", () => undefined);
    socket.once("close", () => sockets.delete(socket));
  };
  const tunnel = (client: Socket, authority: string) => {
    const url = new URL(`http://${options.names?.[authority] ?? authority}`);
    const backend = connect(Number(url.port), url.hostname.replaceAll(/[[\]]/g, ""));
    keep(backend);
    const refuse = () => client.end("HTTP/1.1 502 Bad Gateway\r\n\r\n");
    backend.once("error", refuse);
    backend.once("connect", () => {
      // What is said from here on would be the backend's word.
      backend.removeListener("error", refuse);
      client.write("HTTP/1.1 200 Connection established\r\nVia: 1.1 test\r\n\r\n");
      backend.pipe(client).pipe(backend);
    });
    for (const [one, other] of [
      [client, backend],
      [backend, client],
    ] as const) {
      one.once("close", () => other.destroy());
    }
  };
  const accept = (client: Socket) => {
    keep(client);
    let head = "";
    const onData = (chunk: Buffer) => {
      head += chunk.toString("latin1");
      if (!head.startsWith("CONNECT ".slice(0, head.length))) client.end("HTTP/1.1 400 Bad Request\r\n\r\n");
      if (!head.includes("\r\n\r\n")) return;
      client.removeListener("data", onData);
      heads.push(head);
      const authority = /^CONNECT (\S+) HTTP\/1\.1\r\n/.exec(head)?.[1] ?? "";
      asked.push(authority);
      const given = /^Proxy-Authorization: (.*)\r$/m.exec(head)?.[1];
      if (options.authorization !== undefined && given !== options.authorization) {
        client.end('HTTP/1.1 407 Proxy Authentication Required\r\nProxy-Authenticate: Basic realm="x"\r\n\r\n');
      } else if (options.answer !== undefined) {
        options.answer(client, authority);
      } else {
        tunnel(client, authority);
      }
    };
    client.on("data", onData);
  };
  const server: Server = options.tls === undefined ? createServer(accept) : createTlsServer(options.tls, accept);
  server.on("tlsClientError", () => undefined);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  return {
    url: `${options.tls === undefined ? "http" : "https"}://127.0.0.1:${port}`,
    port,
    asked,
    heads,
    reset() {
      for (const socket of sockets) resetSocket(socket);
    },
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        for (const socket of sockets) socket.destroy();
      }),
  };
}
