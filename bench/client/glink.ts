import { compressionGzip } from "@connectrpc/connect-node";
import { glinkTransport, staticResolver } from "../../src/index.ts";
import { connectOperation, interceptorOption } from "./connect-calls.ts";
import type { OpenPeer } from "./peer.ts";

export const open: OpenPeer = async ({ peer, load, backends, certificate }) => {
  const scheme = certificate === undefined ? "http" : "https";
  const transport = glinkTransport({
    baseUrl: `${scheme}://localhost:1`,
    protocol: load.protocol,
    resolver: staticResolver([...backends]),
    maxQueuedCalls: 100_000,
    ...(peer === "glink-node" ? { http2: "node" as const } : {}),
    ...(certificate === undefined ? {} : { nodeOptions: { ca: certificate } }),
    ...(load.gzip ? { sendCompression: compressionGzip } : {}),
    ...interceptorOption(load),
    ...(load.retry ? {} : { retry: false as const }),
  });
  await transport.ready();
  const allReady = () => transport.snapshot().subchannels.every(({ state }) => state === "ready");
  while (!allReady()) await new Promise((resolve) => setTimeout(resolve, 20));
  return { run: connectOperation(transport, load), close: () => transport.close() };
};
