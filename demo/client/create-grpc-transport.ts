import { Resolver } from "node:dns";
import { connect, type LookupFunction } from "node:net";
import { createClient } from "@connectrpc/connect";
import { createGrpcTransport } from "@connectrpc/connect-node";
import { EchoService } from "../../proto/gen/glink/demo/v1/echo_pb.js";
import type { ClientConfig } from "../messages.ts";
import { noPoolReport, type OpenClient } from "./demo-client.ts";
import { queryTimeoutMs } from "./service-lookup.ts";
import { openVirtualPort } from "./virtual-port.ts";

/**
 * Connect's own transport with its defaults. It can only be given one host name and one port; so that the comparison is
 * fair, the demo's DNS server is asked at every dial, and all backends of the answer are tried until one accepts.
 */
export const open: OpenClient = async (config) => {
  const transport = config.port === undefined ? await transportByPort(config) : transportByAddress(config, config.port);
  const echo = createClient(EchoService, transport);
  return {
    call: async () => (await echo.unary({ text: "hello" }, { timeoutMs: config.deadlineMs })).served?.backend,
    poolReport: () => noPoolReport,
    // It has nothing to close: its connection ends with the process.
    close: async () => undefined,
  };
};

function transportByAddress({ serviceName, dnsServer }: ClientConfig, port: number) {
  const lookup = lookupAt(dnsServer);
  return createGrpcTransport({
    baseUrl: `http://${serviceName}:${port}`,
    nodeOptions: {
      createConnection: () => connect({ host: serviceName, port, lookup, noDelay: true, autoSelectFamily: true }),
    },
  });
}

async function transportByPort({ serviceName, dnsServer }: ClientConfig) {
  return createGrpcTransport({ baseUrl: `http://127.0.0.1:${await openVirtualPort(dnsServer, serviceName)}` });
}

/** `net.connect`'s lookup by one DNS server instead of the operating system. */
function lookupAt(dnsServer: string): LookupFunction {
  const resolver = new Resolver({ timeout: queryTimeoutMs });
  resolver.setServers([dnsServer]);
  return (hostname, options, callback) => {
    resolver.resolve4(hostname, (error, addresses = []) => {
      if (options.all) {
        callback(
          error,
          addresses.map((address) => ({ address, family: 4 })),
        );
      } else {
        callback(error, addresses[0] ?? "", 4);
      }
    });
  };
}
