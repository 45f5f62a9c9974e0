import { readFileSync } from "node:fs";
import { type AddressInfo, createServer, type Server, type Socket } from "node:net";
import { createServer as createTlsServer } from "node:tls";
import type { ServerPorts } from "../server-process.ts";
import { answers, type ListenerName, listenerNames } from "./answers.ts";
import { CannedHttp2 } from "./canned-http2.ts";
import { serveTcp, type TcpListenerName, tcpListeners } from "./canned-tcp.ts";

// One canned server. Argument: the folder with its key and certificate. It writes its ports as a line of JSON, and
// ends with its standard input.

const tlsFolder = process.argv[2] as string;

/** On all addresses: one listener is a thousand backends, 127.0.0.1 and onwards. */
function listen(server: Server): Promise<number> {
  return new Promise((resolve) => {
    server.listen({ port: 0, host: "0.0.0.0", backlog: 4_096 }, () => resolve((server.address() as AddressInfo).port));
  });
}

function http2Server(name: ListenerName): Server {
  const serve = (socket: Socket) => {
    new CannedHttp2(socket, answers[name]);
  };
  if (name !== "tls") return createServer({ noDelay: true }, serve);
  const key = readFileSync(`${tlsFolder}/key.pem`);
  const cert = readFileSync(`${tlsFolder}/cert.pem`);
  return createTlsServer({ key, cert, ALPNProtocols: ["h2"], noDelay: true }, serve);
}

function tcpServer(name: TcpListenerName): Server {
  return createServer({ noDelay: true }, (socket) => serveTcp(socket, name));
}

async function portsOf<Name extends string>(names: readonly Name[], make: (name: Name) => Server) {
  const entries = await Promise.all(names.map(async (name) => [name, await listen(make(name))] as const));
  return Object.fromEntries(entries) as Record<Name, number>;
}

const ports: ServerPorts = {
  http2: await portsOf(listenerNames, http2Server),
  tcp: await portsOf(tcpListeners, tcpServer),
};
process.stdout.write(`${JSON.stringify(ports)}\n`);
process.stdin.resume().once("end", () => process.exit(0));
