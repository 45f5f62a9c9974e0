import { createServer } from "node:http2";
import type { ConnectRouter } from "@connectrpc/connect";
import { connectNodeAdapter } from "@connectrpc/connect-node";
import { Greeter } from "../gen/examples/greet/v1/greet_pb.js";

/** One backend. It answers gRPC, gRPC-Web and the Connect protocol on one port. */
export function startServer(port: number) {
  const routes = (router: ConnectRouter) => {
    router.service(Greeter, {
      greet: ({ name }, context) => ({
        greeting: `hello ${name}`,
        servedBy: `127.0.0.1:${port}`,
        timeLeftMs: Math.round(context.timeoutMs() ?? 0),
      }),
    });
  };
  return createServer(connectNodeAdapter({ routes })).listen(port, "127.0.0.1");
}
