// A service with REST routes and Connect's, which calls another one and stops in the right order.
import { once } from "node:events";
import { Code, ConnectError, createClient } from "@connectrpc/connect";
import { expressConnectMiddleware } from "@connectrpc/connect-express";
import express from "express";
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

const app = express();

app.use(
  expressConnectMiddleware({
    routes: (router) =>
      router.service(Greeter, {
        // What is left of the caller's deadline goes on, its cancellation too, and the headers that are named.
        greet: (request, context) => greeter.greet(request, callOptionsFrom(context, { headers: ["x-request-id"] })),
      }),
  }),
);

// A REST request has no deadline: it gets one here, and its call ends when nobody waits for the answer any more.
app.get("/greet/:name", async (request, response) => {
  const gone = new AbortController();
  response.once("close", () => gone.abort());
  const timeoutMs = Number(request.query.timeoutMs ?? 2_000);
  const answer = await greeter.greet({ name: request.params.name }, { timeoutMs, signal: gone.signal });
  response.json({ greeting: answer.greeting, servedBy: answer.servedBy });
});

const httpStatus = {
  [Code.DeadlineExceeded]: 504,
  [Code.Unavailable]: 503,
  [Code.NotFound]: 404,
  [Code.InvalidArgument]: 400,
};

// Four parameters: that is how Express knows it as the handler of errors.
app.use((error, _request, response, next) => {
  if (!(error instanceof ConnectError) || response.headersSent) return next(error);
  response.status(httpStatus[error.code] ?? 502).json({ error: error.rawMessage });
});

const server = app.listen(Number(PORT), HOST);
await once(server, "listening");

process.once("SIGTERM", async () => {
  // First the server: it takes no new requests and finishes those it has, which may still want to call.
  const closed = once(server, "close");
  server.close();
  // A connection that a client keeps alive after its last answer would hold it up for as long.
  const sweep = setInterval(() => server.closeIdleConnections(), 100);
  await closed;
  clearInterval(sweep);
  // Then what they call with.
  await transport.close({ timeoutMs: 10_000 });
});

console.log(`http://${HOST}:${server.address().port}`);
