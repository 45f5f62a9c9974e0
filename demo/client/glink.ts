import { createClient } from "@connectrpc/connect";
import { EchoService } from "../../proto/gen/glink/demo/v1/echo_pb.js";
import { dnsResolver, fileResolver, glinkTransport, type Resolver, srvResolver } from "../../src/index.ts";
import { kubernetesResolver } from "../../src/kubernetes/index.ts";
import type { ClientConfig } from "../messages.ts";
import type { OpenClient } from "./demo-client.ts";

/** glink with its defaults, but for the interval that would make the demo long. */
export const open: OpenClient = async (config) => {
  const { serviceName, port, rotationIntervalMs, deadlineMs } = config;
  const transport = glinkTransport({
    // Without a port of all backends, the resolver says each one's.
    baseUrl: port === undefined ? `http://${serviceName}` : `http://${serviceName}:${port}`,
    resolver: resolverOf(config),
    rotationIntervalMs,
  });
  let retries = 0;
  transport.subscribe((event) => {
    if (event.type === "attempt-failed" && event.retryDelayMs !== undefined) retries++;
  });
  const echo = createClient(EchoService, transport);
  return {
    call: async () => (await echo.unary({ text: "hello" }, { timeoutMs: deadlineMs })).served?.backend,
    poolReport: () => ({
      pool: Object.fromEntries(transport.snapshot().subchannels.map(({ address, state }) => [address, state])),
      retries,
    }),
    close: () => transport.close(),
  };
};

function resolverOf({ resolver, port, dnsServer }: ClientConfig): Resolver {
  if (resolver.type === "file") return fileResolver(resolver.path);
  if (resolver.type === "kubernetes") return kubernetesResolver(resolver.options);
  const servers = [dnsServer];
  // SRV records name ports where they differ.
  return port === undefined ? srvResolver({ servers }) : dnsResolver({ servers });
}
