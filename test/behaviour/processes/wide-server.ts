import { createServer } from "node:http2";
import type { AddressInfo } from "node:net";

/** What it says: where it listens, and how many requests came, when it is asked. */
export type FromWideServer =
  | { readonly type: "listening"; readonly port: number }
  | { readonly type: "requests"; readonly count: number };

const windowBytes = 2 ** 30;
let count = 0;

// No window of HTTP/2 holds an upload up: only the socket does, while this process is frozen.
const server = createServer({ settings: { initialWindowSize: windowBytes } });
server.on("session", (session) => {
  session.setLocalWindowSize(windowBytes);
  session.on("error", () => undefined);
});
server.on("stream", (stream) => {
  count++;
  stream.on("error", () => undefined);
  stream.resume();
  stream.once("end", () => {
    stream.respond({ ":status": 200, "content-type": "application/grpc" }, { waitForTrailers: true });
    stream.on("wantTrailers", () => stream.sendTrailers({ "grpc-status": "0" }));
    stream.end(Buffer.alloc(5));
  });
});
server.listen(0, "127.0.0.1", () => {
  process.send?.({ type: "listening", port: (server.address() as AddressInfo).port } satisfies FromWideServer);
});
process.on("message", () => process.send?.({ type: "requests", count } satisfies FromWideServer));
process.on("disconnect", () => process.exit());
