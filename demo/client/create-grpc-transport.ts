import { Resolver } from "node:dns";
import { once } from "node:events";
import { connect, type LookupFunction, type Socket } from "node:net";
import { Duplex, PassThrough, pipeline } from "node:stream";
import { createClient } from "@connectrpc/connect";
import { createGrpcTransport } from "@connectrpc/connect-node";
import { EchoService } from "../../proto/gen/glink/demo/v1/echo_pb.js";
import { baseUrlOf, noPoolReport, type OpenClient } from "./demo-client.ts";
import { type HostAndPort, lookUpService, queryTimeoutMs } from "./service-lookup.ts";

/**
 * Connect's own transport with its defaults. It can only be given one host name; so that the comparison is fair, it asks
 * the same DNS server for that name at every dial, and tries all backends of the answer until one accepts.
 */
export const open: OpenClient = async (config) => {
  const { serviceName, port, dnsServer, deadlineMs } = config;
  const lookup = lookupAt(dnsServer);
  const createConnection = () =>
    port === undefined
      ? connectToAny(lookUpService(dnsServer, serviceName))
      : connect({ host: serviceName, port, lookup, noDelay: true, autoSelectFamily: true });
  const transport = createGrpcTransport({
    baseUrl: baseUrlOf(config),
    nodeOptions: { createConnection },
  });
  const echo = createClient(EchoService, transport);
  return {
    call: async () => (await echo.unary({ text: "hello" }, { timeoutMs: deadlineMs })).served?.backend,
    poolReport: () => noPoolReport,
    // It has nothing to close: its connection ends with the process.
    close: async () => undefined,
  };
};

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

/**
 * What `net.connect` does with several addresses, for several ports: a stream to the first backend that accepts.
 * node:http2 wants a stream at once, so what it writes meanwhile waits.
 */
function connectToAny(backends: Promise<HostAndPort[]>): Duplex {
  const [toBackend, fromBackend] = [new PassThrough(), new PassThrough()];
  const stream = Duplex.from({ writable: toBackend, readable: fromBackend });
  firstThatAccepts(backends).then(
    (socket) => {
      pipeline(toBackend, socket, fromBackend, (error) => stream.destroy(error ?? undefined));
    },
    (error: Error) => stream.destroy(error),
  );
  return stream;
}

async function firstThatAccepts(backends: Promise<HostAndPort[]>): Promise<Socket> {
  let lastError = new Error("the service has no backends");
  for (const { host, port } of await backends) {
    const socket = connect({ host, port, noDelay: true });
    try {
      await once(socket, "connect");
      return socket;
    } catch (error) {
      lastError = error as Error;
    }
  }
  throw lastError;
}
