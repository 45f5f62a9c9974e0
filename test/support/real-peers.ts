import { readFileSync } from "node:fs";
import { join } from "node:path";
import { haproxy, type Intermediary, nghttpx, nginx } from "../suites/intermediaries/intermediaries.ts";
import { cCore, grpcGo, type InteropServer } from "../suites/interop/servers.ts";
import type { BackendProcess, TestProcesses } from "./processes.ts";
import { freePort, hasProgram, type Programs } from "./programs.ts";

const root = join(import.meta.dirname, "../..");

/** A server that others wrote, in a process of its own, on loopback and without TLS. */
export interface RealPeer {
  readonly name: string;
  readonly version: string;
  /** What it serves: EchoService of the demo, or TestService of gRPC's interop tests. */
  readonly service: "echo" | "interop";
  /** Why it cannot run here; undefined: it can. */
  unavailable(): string | undefined;
  start(): Promise<RunningPeer>;
}

export interface RunningPeer {
  readonly port: number;
  /** Asks a server for a graceful end, where it knows one. */
  readonly shutDown?: () => void;
  /** Makes a proxy read its configuration again: it ends its connections gracefully, and takes new ones. */
  readonly reload?: () => void;
  /** The demo's backend that answers, and counts. */
  readonly backend?: BackendProcess;
}

/** grpc-go and C-core with the interop service; connect-node and grpc-js, and proxies before connect-node, with echo. */
export function realPeers(programs: Programs, processes: TestProcesses, nginxRequests: number): RealPeer[] {
  return [
    interopPeer("grpc-go", grpcGo(programs)),
    demoPeer("grpc-js", "@grpc/grpc-js", processes),
    demoPeer("connect-node", "@connectrpc/connect-node", processes),
    interopPeer("c-core", cCore(programs)),
    ...[nginx(nginxRequests), haproxy, nghttpx].map((one) => proxyPeer(one, programs, processes)),
  ];
}

function interopPeer(name: string, server: InteropServer): RealPeer {
  const { shutDown } = server;
  return {
    name,
    version: server.name,
    service: "interop",
    unavailable: () => server.unavailable(),
    start: async () => ({ port: await server.start(false), ...(shutDown === undefined ? {} : { shutDown }) }),
  };
}

function demoPeer(library: "connect-node" | "grpc-js", packageName: string, processes: TestProcesses): RealPeer {
  const path = join(root, "node_modules", packageName, "package.json");
  const { version } = JSON.parse(readFileSync(path, "utf8")) as { version: string };
  return {
    name: library,
    version: `${library} ${version}, Node ${process.version}`,
    service: "echo",
    unavailable: () => undefined,
    async start() {
      const backend = await processes.backend({ library, host: "127.0.0.1", port: 0 });
      return { port: portOf(backend), shutDown: () => backend.kill("SIGTERM"), backend };
    },
  };
}

function proxyPeer(proxy: Intermediary, programs: Programs, processes: TestProcesses): RealPeer {
  const { program, reloadSignal } = proxy;
  const isThere = hasProgram(program);
  return {
    name: program,
    version: isThere ? `${program} ${proxy.version()} before connect-node` : program,
    service: "echo",
    unavailable: () => (isThere ? undefined : "it is not installed"),
    async start() {
      const backend = await processes.backend({ library: "connect-node", host: "127.0.0.1", port: 0 });
      const port = await freePort();
      const folder = join(root, ".cache/real-peers", program);
      const child = await programs.start(program, proxy.configure(folder, port, portOf(backend)), port);
      return { port, reload: () => child.kill(reloadSignal), backend };
    },
  };
}

function portOf({ address }: BackendProcess): number {
  return Number(address.slice(address.lastIndexOf(":") + 1));
}
