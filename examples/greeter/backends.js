import { once } from "node:events";
import { createServer } from "node:http2";
import { setTimeout as sleep } from "node:timers/promises";
import { connectNodeAdapter } from "@connectrpc/connect-node";
import { Greeter } from "./gen/esm/examples/greet/v1/greet_pb.js";

/**
 * What the examples call: backends of the Greeter in this process, one for each address; port 0 is a free one. Who is called
 * "slow" is greeted after a second.
 */
export async function startBackends(...listenOn) {
  const sessions = new Set();
  const servers = [];
  for (const [host, port] of listenOn.map((address) => address.split(":"))) {
    const server = createServer();
    server.on("session", (session) => {
      sessions.add(session);
      session.once("close", () => sessions.delete(session));
    });
    await once(server.listen(Number(port), host), "listening");
    const address = `${host}:${server.address().port}`;
    server.on("request", connectNodeAdapter({ routes: (router) => router.service(Greeter, greeterAt(address)) }));
    servers.push({ server, address });
  }
  return {
    addresses: servers.map(({ address }) => address),
    /** Cuts every connection, as a machine does that is switched off. */
    cut() {
      for (const session of sessions) session.destroy();
    },
    async close() {
      const closed = servers.map(({ server }) => new Promise((resolve) => server.close(resolve)));
      for (const session of sessions) session.destroy();
      await Promise.all(closed);
    },
  };
}

function greeterAt(address) {
  return {
    async greet({ name }, context) {
      const timeLeftMs = Math.max(0, Math.round(context.timeoutMs() ?? 0));
      if (name === "slow") await sleep(1_000, undefined, { signal: context.signal });
      return { greeting: `hello ${name}`, servedBy: address, timeLeftMs };
    },
  };
}
