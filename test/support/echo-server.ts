import {
  createSecureServer,
  createServer,
  type Http2SecureServer,
  type Http2Server,
  type ServerHttp2Session,
} from "node:http2";
import type { AddressInfo } from "node:net";
import type { ConnectRouter } from "@connectrpc/connect";
import type { Compression } from "@connectrpc/connect/protocol";
import { connectNodeAdapter } from "@connectrpc/connect-node";
import { ServerCredentials, type ServerOptions } from "@grpc/grpc-js";
import { type EchoCounters, echoService, newCounters } from "../../demo/echo-service.ts";
import { grpcJsEchoServer, listen } from "../../demo/grpc-js-server.ts";
import { EchoService } from "../../proto/gen/glink/demo/v1/echo_pb.js";

/** A backend of a test, whichever library serves it. */
export interface EchoBackend {
  /** `host:port`; also what it answers as `served.backend`. */
  readonly address: string;
  readonly port: number;
  readonly counters: EchoCounters;
  /** Stops listening and cuts every connection. Idempotent. */
  close(): Promise<void>;
}

/** How an in-process backend should be. */
export interface EchoServerOptions {
  /** Default 127.0.0.1; any address of 127.0.0.0/8 works. */
  readonly host?: string;
  /** Default: a free one. */
  readonly port?: number;
  /** SETTINGS_MAX_CONCURRENT_STREAMS. */
  readonly maxConcurrentStreams?: number;
  readonly tls?: TlsIdentity;
  readonly acceptCompression?: Compression[];
  /** Of connect-node: what it serves beside the echo service. */
  readonly routes?: (router: ConnectRouter) => void;
}

/** PEM texts. */
export interface TlsIdentity {
  readonly key: string;
  readonly cert: string;
  /** With `requestCert`: who signs the clients' certificates. */
  readonly ca?: string;
  readonly requestCert?: boolean;
}

/** A backend that knows how to leave. */
export interface GracefulEchoBackend extends EchoBackend {
  /** GOAWAY on every session, no new connections, and waits for open streams: a graceful shutdown. */
  shutDownGracefully(): Promise<void>;
}

/** A real connect-node server in this process, with access to its HTTP/2 sessions. */
export interface ConnectEchoBackend extends GracefulEchoBackend {
  /** Sessions that are open now. */
  readonly sessions: ReadonlySet<ServerHttp2Session>;
  /** Connections accepted since the start. */
  readonly connections: () => number;
}

/** Starts a connect-node server with the echo service. */
export async function startConnectEcho(options: EchoServerOptions = {}): Promise<ConnectEchoBackend> {
  const { host = "127.0.0.1", tls, maxConcurrentStreams, acceptCompression, routes } = options;
  const counters = newCounters();
  const sessions = new Set<ServerHttp2Session>();
  let connections = 0;
  let address = "";
  const handler = connectNodeAdapter({
    routes: (router) => {
      router.service(
        EchoService,
        echoService(() => address, counters),
      );
      routes?.(router);
    },
    ...(acceptCompression === undefined ? {} : { acceptCompression }),
  });
  const settings = maxConcurrentStreams === undefined ? {} : { maxConcurrentStreams };
  const server: Http2Server | Http2SecureServer =
    tls === undefined
      ? createServer({ settings }, handler)
      : createSecureServer({ rejectUnauthorized: true, ...tls, settings }, handler);
  server.on("session", (session: ServerHttp2Session) => {
    connections++;
    sessions.add(session);
    session.on("error", () => undefined);
    session.once("close", () => sessions.delete(session));
  });
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(options.port ?? 0, host, resolve);
  });
  const { port } = server.address() as AddressInfo;
  address = `${host}:${port}`;
  const stop = () => new Promise<void>((resolve) => server.close(() => resolve()));
  return {
    address,
    port,
    counters,
    sessions,
    connections: () => connections,
    async shutDownGracefully() {
      const stopped = stop();
      // Node 26 closes sessions with their server, and does not call back then.
      const closed = [...sessions].map((session) => new Promise<void>((resolve) => session.once("close", resolve)));
      for (const session of sessions) session.close();
      await Promise.all(closed);
      await stopped;
    },
    async close() {
      const stopped = stop();
      for (const session of sessions) session.destroy();
      await stopped;
    },
  };
}

/** Starts a real grpc-js server with the echo service. */
export async function startGrpcJsEcho(
  options: EchoServerOptions & { grpc?: ServerOptions } = {},
): Promise<GracefulEchoBackend> {
  const { host = "127.0.0.1", tls, maxConcurrentStreams, grpc } = options;
  const counters = newCounters();
  let address = "";
  const limit = maxConcurrentStreams === undefined ? {} : { "grpc.max_concurrent_streams": maxConcurrentStreams };
  const server = grpcJsEchoServer(() => address, counters, { ...limit, ...grpc });
  const credentials =
    tls === undefined
      ? ServerCredentials.createInsecure()
      : ServerCredentials.createSsl(
          tls.ca === undefined ? null : Buffer.from(tls.ca),
          [{ private_key: Buffer.from(tls.key), cert_chain: Buffer.from(tls.cert) }],
          tls.requestCert ?? false,
        );
  const port = await listen(server, `${host}:${options.port ?? 0}`, credentials);
  address = `${host}:${port}`;
  return {
    address,
    port,
    counters,
    shutDownGracefully: () => new Promise((resolve) => server.tryShutdown(() => resolve())),
    async close() {
      server.forceShutdown();
    },
  };
}
