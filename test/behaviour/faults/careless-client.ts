// A program as a careless user writes it: it handles what its calls return, and no event of anything else. Any event of
// a socket or session that glink leaves unheard ends it with an exit code.
import { ca, serverIdentity } from "../../support/certificates.ts";
import {
  type FramePeer,
  type FramePeerOptions,
  type PeerConnection,
  startFramePeer,
} from "../../support/frame-peer.ts";
import { transportTo, tryUnary, until } from "./fault-call.ts";

/** What the peer does to the connection after the first call, before the next ones. */
type Fault = (connection: PeerConnection) => void;

const windowUpdate = (connection: PeerConnection) => connection.frame(8, 0, 0, Buffer.from([0x7f, 0xff, 0xff, 0xff]));

const faults: Readonly<Record<string, Fault>> = {
  "GOAWAY on idle": (connection) => connection.goaway(1),
  "GOAWAY with an error on idle": (connection) => connection.goaway(1, 2, "no more"),
  "GOAWAY and RST on idle": (connection) => {
    connection.goaway(1);
    connection.abort();
  },
  "FIN on idle": (connection) => connection.socket.end(),
  "RST on idle": (connection) => connection.abort(),
  "WINDOW_UPDATE overflow": windowUpdate,
  "SETTINGS_MAX_FRAME_SIZE 0": (connection) => connection.settings([5, 0]),
  "DATA on stream 0": (connection) => connection.frame(0, 0, 0, Buffer.from("x")),
  "a frame that is too long": (connection) => connection.write(Buffer.from([0xff, 0xff, 0xff, 0, 0, 0, 0, 0, 1])),
  "text instead of frames": (connection) => connection.write("HTTP/1.1 500 Oh no\r\n\r\n"),
  PUSH_PROMISE: (connection) => connection.frame(5, 4, 1, Buffer.from([0, 0, 0, 2])),
  "RST_STREAM of a closed stream": (connection) => connection.frame(3, 0, 1, Buffer.alloc(4)),
  silence: (connection) => connection.socket.removeAllListeners("data"),
};

async function hurt(name: string, fault: Fault, tls: boolean): Promise<void> {
  const script: FramePeerOptions = { onRequest: (request) => request.ok() };
  const peer: FramePeer = await startFramePeer(tls ? { ...script, tls: serverIdentity } : script);
  const transport = transportTo([peer.address], {
    baseUrl: tls ? "https://echo.test" : "http://echo.test",
    nodeOptions: { ca },
    pingIntervalMs: 100,
    pingTimeoutMs: 50,
    pingIdleConnection: true,
  });
  const first = await tryUnary(transport);
  if (first.code !== undefined) throw new Error(`${name}: the first call failed: ${first.message}`);
  fault(peer.connections[0] as PeerConnection);
  // One call races the fault, one meets its consequences, the last must succeed.
  await tryUnary(transport, { timeoutMs: 300 });
  await tryUnary(transport, { timeoutMs: 300 });
  let outcome = await tryUnary(transport);
  const startedMs = performance.now();
  while (outcome.code !== undefined && performance.now() - startedMs < 5_000) outcome = await tryUnary(transport);
  if (outcome.code !== undefined) throw new Error(`${name}: no call succeeds any more: ${outcome.message}`);
  // Closed while the peer cuts the connection.
  for (const connection of peer.connections) connection.abort();
  await transport.close();
  await peer.close();
}

const [mode, address, baseUrl] = process.argv.slice(2);
if (mode === "faults") {
  for (const tls of [false, true]) {
    await Promise.all(Object.entries(faults).map(([name, fault]) => hurt(`${name}${tls ? " (TLS)" : ""}`, fault, tls)));
  }
  console.log("all faults survived");
} else {
  // A transport that is left open, and idle, keeps no process alive.
  const transport = transportTo([address as string], { baseUrl: baseUrl as string, nodeOptions: { ca } });
  await tryUnary(transport);
  await until(() => transport.snapshot().state === "ready", "the backend is ready");
  console.log("idle");
}
