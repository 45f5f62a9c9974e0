// A service that calls another one. Its calls end with the request that they serve, and it stops in the right order.
import { createClient } from "@connectrpc/connect";
import { fastifyConnectPlugin } from "@connectrpc/connect-fastify";
import Fastify from "fastify";
import { callOptionsFrom, glinkTransport, staticResolver } from "glink";
import { Greeter } from "greeter";

const { GREETER_URL = "http://greeter.shop.svc.cluster.local:50051", GREETER_ADDRESSES } = process.env;
// In a pod HOST is 0.0.0.0: probes and callers come from outside of it.
const { HOST = "127.0.0.1", PORT = "0" } = process.env;

// One for the target, made once: it holds the connections.
const transport = glinkTransport({
  baseUrl: GREETER_URL,
  defaultTimeoutMs: 5_000,
  // Where there is no DNS that knows the backends.
  ...(GREETER_ADDRESSES && { resolver: staticResolver(GREETER_ADDRESSES.split(",")) }),
});
const greeter = createClient(Greeter, transport);

const fastify = Fastify();

await fastify.register(fastifyConnectPlugin, {
  routes: (router) =>
    router.service(Greeter, {
      // What is left of the caller's deadline goes on, its cancellation too, and the headers that are named.
      greet: (request, context) => greeter.greet(request, callOptionsFrom(context, { headers: ["x-request-id"] })),
    }),
});

// For the readiness probe: ready() resolves while a backend can be reached, and starts to connect if nothing has yet.
fastify.get("/health", async (_request, reply) => {
  try {
    await transport.ready({ timeoutMs: 1_000 });
    return { status: "ok" };
  } catch (error) {
    return reply.code(503).send({ status: "unavailable", reason: error.message });
  }
});

process.once("SIGTERM", async () => {
  // First the server: it takes no new requests and finishes those it has, which may still want to call.
  // A connection that a client keeps alive after its last answer would hold it up for as long.
  const sweep = setInterval(() => fastify.server.closeIdleConnections(), 100);
  await fastify.close();
  clearInterval(sweep);
  // Then what they call with.
  await transport.close({ timeoutMs: 10_000 });
});

console.log(await fastify.listen({ port: Number(PORT), host: HOST }));
