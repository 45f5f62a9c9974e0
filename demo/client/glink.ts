import { createClient } from "@connectrpc/connect";
import { EchoService } from "../../proto/gen/glink/demo/v1/echo_pb.js";
import { dnsResolver, glinkTransport, type Resolver } from "../../src/index.ts";
import type { OpenClient } from "./demo-client.ts";
import { ServiceWatch } from "./service-lookup.ts";

/** As dnsResolver asks. */
const minLookupIntervalMs = 1_000;

/** glink with its defaults, but for the interval that would make the demo long. */
export const open: OpenClient = async ({ serviceName, port, dnsServer, rotationIntervalMs, deadlineMs }) => {
  const transport = glinkTransport({
    // Without a port of all backends, the resolver says each one's.
    baseUrl: port === undefined ? `http://${serviceName}` : `http://${serviceName}:${port}`,
    resolver: port === undefined ? serviceResolver(dnsServer) : dnsResolver({ servers: [dnsServer] }),
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

/** A resolver of the demo's own, for backends that differ by port. */
function serviceResolver(dnsServer: string): Resolver {
  return {
    name: "SRV",
    watch({ host: name }, listener) {
      const watch = new ServiceWatch({
        dnsServer,
        name,
        minIntervalMs: minLookupIntervalMs,
        onBackends: (backends) => listener.onAddresses(backends),
        onError: (error) => listener.onError(error),
      });
      watch.refresh();
      return watch;
    },
  };
}
