import { once } from "node:events";
import { createServer } from "node:net";

/** The first address beside 127.0.0.1, and one so far behind that nobody adds all in between by hand. */
const probes = ["127.0.0.2", "127.0.0.254"];

/**
 * Whether servers on this machine can have loopback addresses of their own, as pods have addresses of their own. Linux
 * answers on all of 127.0.0.0/8; macOS, and some containers, on 127.0.0.1 alone. Found out by listening on them.
 */
export async function hasManyLoopbackAddresses(): Promise<boolean> {
  const bound = await Promise.all(probes.map(canListen));
  return bound.every((can) => can);
}

async function canListen(host: string): Promise<boolean> {
  const server = createServer().listen(0, host);
  try {
    await once(server, "listening");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "EADDRNOTAVAIL") return false;
    throw error;
  }
  server.close();
  await once(server, "close");
  return true;
}
