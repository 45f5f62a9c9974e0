/**
 * A backend process: the echo service on one address, served by grpc-js or by connect-node. SIGTERM ends it as
 * Kubernetes expects: GOAWAY to every client, no new connections, exit after the last open call.
 */
import { createServer, type ServerHttp2Session } from "node:http2";
import type { AddressInfo } from "node:net";
import { EchoService } from "../proto/gen/glink/demo/v1/echo_pb.js";
import { echoService, newCounters } from "./echo-service.ts";
import type { BackendConfig, FromBackend, ToBackend } from "./messages.ts";
import { ownConfig, tellParent } from "./processes.ts";

const { library, host, port: wantedPort } = ownConfig<BackendConfig>();
const counters = newCounters();
let port = wantedPort;
const name = () => `${host}:${port}`;

const shutDownGracefully = library === "grpc-js" ? await serveGrpcJs() : await serveConnectNode();
// Nothing else keeps the process alive once the last connection has ended.
const end = () => shutDownGracefully(() => process.disconnect());
process.once("SIGTERM", end);
process.on("message", (message: ToBackend) => {
  if (message.type === "end") end();
  if (message.type !== "count") return;
  const repeated = Object.fromEntries([...counters.byRequestId].filter(([, count]) => count > 1));
  void tellParent<FromBackend>({ type: "counters", executions: counters.executions, repeated });
});
await tellParent<FromBackend>({ type: "listening", port });

// Each process loads only the library that it serves with: a dozen of them start during the demo.

async function serveGrpcJs(): Promise<(done: () => void) => void> {
  const { ServerCredentials } = await import("@grpc/grpc-js");
  const { grpcJsEchoServer, listen } = await import("./grpc-js-server.ts");
  const server = grpcJsEchoServer(name, counters);
  port = await listen(server, name(), ServerCredentials.createInsecure());
  return (done) => server.tryShutdown(() => done());
}

async function serveConnectNode(): Promise<(done: () => void) => void> {
  const { connectNodeAdapter } = await import("@connectrpc/connect-node");
  const routes = connectNodeAdapter({ routes: (router) => router.service(EchoService, echoService(name, counters)) });
  const server = createServer(routes);
  const sessions = new Set<ServerHttp2Session>();
  server.on("session", (session) => {
    sessions.add(session);
    session.once("close", () => sessions.delete(session));
  });
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(port, host, resolve);
  });
  port = (server.address() as AddressInfo).port;
  return (done) => {
    server.close(done);
    for (const session of sessions) session.close();
  };
}
