import { once } from "node:events";
import { type AddressInfo, createServer, type Server, type Socket } from "node:net";
import { FrameBackend } from "./frame-backend.ts";
import type { Hosts } from "./hosts.ts";
import { hopelessKinds, type PlannedBackend } from "./plan.ts";
import { startProgram } from "./program-backend.ts";

/** A server behind a gate, whatever it is made of. What a kind cannot do, it does not. */
export interface ChaosBackend {
  /** Where it listens; undefined: nowhere. A successor listens elsewhere. */
  readonly port: number | undefined;
  drain?(): Promise<void>;
  kill?(): Promise<void>;
  /** SIGSTOP, until {@link resume}. */
  stop?(): void;
  resume?(): void;
  health?(serving: boolean): void;
  settings?(maxStreams: number, windowBytes: number): void;
  /** Whatever was done to it ends. */
  heal(): Promise<void>;
  /** Executions by request id: never more than there were. Undefined: it does not count. */
  executions(): Promise<ReadonlyMap<string, number> | undefined>;
  close(): Promise<void>;
}

/** Starts the server that the plan says. */
export async function startBackend(
  planned: PlannedBackend,
  id: number,
  { hosts, tls }: { readonly hosts: Hosts; readonly tls: boolean },
): Promise<ChaosBackend> {
  const { kind, maxStreams } = planned;
  if (kind === "frames") return framed(await FrameBackend.start(planned));
  if (kind === "connect-node" || kind === "grpc-js") {
    return hosts.serve(kind, { type: "serve", id, tls, ...(maxStreams === undefined ? {} : { maxStreams }) });
  }
  if (hopelessKinds.has(kind)) return hopeless(kind);
  return startProgram(kind as "grpc-go" | "c-core", planned);
}

function framed(backend: FrameBackend): ChaosBackend {
  return {
    port: backend.port,
    settings: (maxStreams, windowBytes) => backend.settings(maxStreams, windowBytes),
    async heal() {
      backend.heal();
    },
    executions: async () => backend.executions,
    close: () => backend.close(),
  };
}

/** An address where something listens that is no gRPC server, or nothing does. */
async function hopeless(kind: PlannedBackend["kind"]): Promise<ChaosBackend> {
  const server: Server | undefined = kind === "nowhere" ? undefined : createServer();
  const sockets = new Set<Socket>();
  server?.on("connection", (socket) => {
    sockets.add(socket);
    socket.on("error", () => undefined).once("close", () => sockets.delete(socket));
    socket.resume();
    if (kind === "foreign") socket.end("HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n");
  });
  server?.listen(0, "127.0.0.1");
  if (server !== undefined) await once(server, "listening");
  return {
    port: (server?.address() as AddressInfo | undefined)?.port,
    heal: async () => undefined,
    executions: async () => undefined,
    async close() {
      server?.close();
      for (const socket of sockets) socket.destroy();
    },
  };
}
