import { Resolver } from "node:dns";
import { connect, type LookupFunction } from "node:net";
import { createGrpcTransport } from "@connectrpc/connect-node";
import { dnsResolver, type GlinkTransport, glinkTransport } from "../src/index.ts";
import type { ClientConfig } from "./messages.ts";

/** What both transports get. A user waits four seconds at most; a PING on this machine needs no longer than one. */
const common = { defaultTimeoutMs: 4_000, pingTimeoutMs: 1_000 };

/** glink with the options that a user would choose who expects frozen backends. */
export function demoGlinkTransport({ baseUrl, dnsServer, rotationIntervalMs }: ClientConfig): GlinkTransport {
  return glinkTransport({
    ...common,
    baseUrl,
    resolver: dnsResolver({ servers: [dnsServer] }),
    // 30 000 by default: shorter here, so that the demo fits into a minute.
    rotationIntervalMs,
    // A frozen backend never answers, and a call whose own time is over is not repeated. With a limit for each
    // attempt the call goes to another backend in time, and the silent one is asked by PING whether it lives.
    retry: { perAttemptTimeoutMs: 1_000 },
  });
}

/**
 * Connect's own transport. It can only be given one host name; so that the comparison is fair, it asks the same DNS
 * server for that name at every dial, and tries all addresses of the answer until one accepts. `pingIntervalMs` is its
 * only means to notice a frozen backend, so it gets that too.
 */
export function demoGrpcTransport({ baseUrl, dnsServer }: ClientConfig) {
  const lookup = lookupAt(dnsServer);
  return createGrpcTransport({
    ...common,
    baseUrl,
    pingIntervalMs: 1_000,
    nodeOptions: {
      createConnection: ({ hostname, port }) =>
        connect({ host: hostname, port: Number(port), lookup, noDelay: true, autoSelectFamily: true }),
    },
  });
}

/** `net.connect`'s lookup by one DNS server instead of the operating system. */
function lookupAt(dnsServer: string): LookupFunction {
  const resolver = new Resolver({ timeout: 1_000 });
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
