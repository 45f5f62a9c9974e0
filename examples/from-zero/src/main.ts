import { createClient } from "@connectrpc/connect";
import { glinkTransport, staticResolver } from "glink";
import { Greeter } from "../gen/examples/greet/v1/greet_pb.js";
import { startServer } from "./server.js";

const ports = [50061, 50062, 50063];
const servers = ports.map(startServer);

// One transport for the target, shared by all clients of it.
const transport = glinkTransport({
  baseUrl: "http://greeter.test",
  // In Kubernetes leave this line out, and let baseUrl name a headless Service and the pods' port.
  resolver: staticResolver(ports.map((port) => `127.0.0.1:${port}`)),
  defaultTimeoutMs: 2_000,
});
const client = createClient(Greeter, transport);

for (let i = 0; i < 6; i++) {
  const { greeting, servedBy } = await client.greet({ name: "world" });
  console.log(`${greeting}, from ${servedBy}`);
}

await transport.close();
for (const server of servers) server.close();
