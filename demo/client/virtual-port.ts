import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Socket } from "node:net";
import { pipeline } from "node:stream";
import { type HostAndPort, lookUpService } from "./service-lookup.ts";

/**
 * One port for all backends of a service that differ by port, for a client that knows one only: what `net.connect` does
 * with the addresses of a name. Each connection is passed on to the first backend that accepts. Open until the process
 * ends. Resolves with the port.
 */
export async function openVirtualPort(dnsServer: string, serviceName: string): Promise<number> {
  const server = createServer({ noDelay: true }, (near) => {
    near.on("error", () => undefined);
    void firstThatAccepts(lookUpService(dnsServer, serviceName)).then(
      (far) => pipeline(near, far, near, (error) => error && near.resetAndDestroy()),
      () => near.resetAndDestroy(),
    );
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return (server.address() as AddressInfo).port;
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
