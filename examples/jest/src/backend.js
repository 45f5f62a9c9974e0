const { once } = require("node:events");
const { createServer } = require("node:http2");
const { connectNodeAdapter } = require("@connectrpc/connect-node");
const { Greeter } = require("greeter");

/** A backend of the Greeter on a free port. */
async function startBackend() {
  const sessions = new Set();
  const server = createServer();
  server.on("session", (session) => {
    sessions.add(session);
    session.once("close", () => sessions.delete(session));
  });
  await once(server.listen(0, "127.0.0.1"), "listening");
  const address = `127.0.0.1:${server.address().port}`;
  const greet = ({ name }) => ({ greeting: `hello ${name}`, servedBy: address });
  server.on("request", connectNodeAdapter({ routes: (router) => router.service(Greeter, { greet }) }));
  return {
    address,
    close() {
      const closed = new Promise((resolve) => server.close(resolve));
      for (const session of sessions) session.destroy();
      return closed;
    },
  };
}

module.exports = { startBackend };
