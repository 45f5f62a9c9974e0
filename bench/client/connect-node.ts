import {
  compressionGzip,
  createConnectTransport,
  createGrpcTransport,
  createGrpcWebTransport,
  Http2SessionManager,
} from "@connectrpc/connect-node";
import { connectOperation, interceptorOption } from "./connect-calls.ts";
import type { OpenPeer } from "./peer.ts";

const transports = { grpc: createGrpcTransport, "grpc-web": createGrpcWebTransport, connect: createConnectTransport };

/** connect-node's transport of the protocol: one session to the first backend, which is all it can have. */
export const open: OpenPeer = async ({ load, backends, certificate }) => {
  const baseUrl = `${certificate === undefined ? "http" : "https"}://${backends[0]}`;
  const nodeOptions = certificate === undefined ? {} : { ca: certificate };
  const sessionManager = new Http2SessionManager(baseUrl, {}, nodeOptions);
  const transport = transports[load.protocol]({
    httpVersion: "2",
    baseUrl,
    sessionManager,
    ...(load.gzip ? { sendCompression: compressionGzip } : {}),
    ...interceptorOption(load),
  });
  await sessionManager.connect();
  return { run: connectOperation(transport, load), close: () => sessionManager.abort() };
};
