import { execFileSync } from "node:child_process";
import { cpSync, mkdirSync, readFileSync } from "node:fs";
import { createServer } from "node:http2";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { ConnectError, type ConnectRouter, type ServiceImpl } from "@connectrpc/connect";
import { connectNodeAdapter } from "@connectrpc/connect-node";
import { echoService, newCounters } from "../../../demo/echo-service.ts";
import { EchoService, ServedSchema } from "../../../proto/gen/glink/demo/v1/echo_pb.js";
import type { GlinkTransportOptions } from "../../../src/index.ts";
import { hasGo } from "../../support/go-tools.ts";
import { freePort, Programs } from "../../support/programs.ts";
import { pureMethod } from "../../support/pure-method.ts";

const root = join(import.meta.dirname, "../../..");
const folder = join(root, ".cache/go/protocols-server");

export type ProtocolName = NonNullable<GlinkTransportOptions["protocol"]>;

/** A server of the echo service whose errors carry a Served as their detail. */
export interface Server {
  readonly name: string;
  /** What it speaks without anybody's help. */
  readonly protocols: readonly ProtocolName[];
  /** It takes HTTP/1.1, too. */
  readonly http1: boolean;
  /** Why it cannot run here; undefined: it can. */
  unavailable(): string | undefined;
  start(): Promise<RunningServer>;
}

export interface RunningServer {
  readonly port: number;
  stop(): Promise<void>;
}

const every: readonly ProtocolName[] = ["grpc", "grpc-web", "connect"];

export const servers: readonly Server[] = [
  goServer("connect-go", "connectrpc.com/connect", every, true),
  goServer("grpc-go", "google.golang.org/grpc", ["grpc"], false),
  connectNode(),
];

let built: string | undefined;

/** Builds the program of `server/` with the messages of proto/, once a run. */
function build(): string {
  if (built !== undefined) return built;
  mkdirSync(folder, { recursive: true });
  cpSync(join(import.meta.dirname, "server"), folder, { recursive: true });
  const go = (...args: string[]) => execFileSync("go", args, { cwd: folder, stdio: ["ignore", "ignore", "inherit"] });
  go("build", "-o", "protoc-gen-go", "google.golang.org/protobuf/cmd/protoc-gen-go");
  const opt = ["module=glink/protocols", "Mglink/demo/v1/echo.proto=glink/protocols/echopb"];
  const plugin = { local: join(folder, "protoc-gen-go"), out: folder, opt };
  const template = JSON.stringify({
    version: "v2",
    plugins: [plugin],
    inputs: [{ directory: join(root, "proto") }],
  });
  const buf = join(root, "node_modules/.bin/buf");
  execFileSync(buf, ["generate", "--template", template, "--path", join(root, "proto/glink")], { cwd: root });
  go("build", "-o", "server", ".");
  built = join(folder, "server");
  return built;
}

function goServer(library: string, module: string, protocols: readonly ProtocolName[], http1: boolean): Server {
  const goMod = readFileSync(join(import.meta.dirname, "server/go.mod"), "utf8");
  const version = goMod.split("\n").find((line) => line.trim().startsWith(`${module} `));
  return {
    name: `${library} ${version?.trim().split(" ")[1]}`,
    protocols,
    http1,
    unavailable: () => (hasGo() ? undefined : "Go is not installed"),
    async start() {
      const programs = new Programs();
      const port = await freePort();
      await programs.start(build(), ["-library", library, "-address", `127.0.0.1:${port}`], port);
      return { port, stop: () => programs.close() };
    },
  };
}

function connectNode(): Server {
  const path = join(root, "node_modules/@connectrpc/connect-node/package.json");
  const { version } = JSON.parse(readFileSync(path, "utf8")) as { version: string };
  return {
    name: `connect-node ${version}`,
    protocols: every,
    http1: false,
    unavailable: () => undefined,
    async start() {
      const service = withDetails(echoService(() => "connect-node", newCounters()));
      const routes = (router: ConnectRouter) => {
        const { unaryIdempotent, ...others } = service;
        router.service(EchoService, others);
        router.rpc(pureMethod, unaryIdempotent as NonNullable<typeof unaryIdempotent>);
      };
      const server = createServer(connectNodeAdapter({ routes }));
      const sessions = new Set<{ destroy(): void }>();
      server.on("session", (session) => sessions.add(session));
      await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
      return {
        port: (server.address() as AddressInfo).port,
        stop: () => {
          const closed = new Promise<void>((resolve) => server.close(() => resolve()));
          for (const session of sessions) session.destroy();
          return closed;
        },
      };
    },
  };
}

function withDetails(service: ServiceImpl<typeof EchoService>): ServiceImpl<typeof EchoService> {
  return {
    ...service,
    async unary(request, context) {
      try {
        return await service.unary(request, context);
      } catch (error) {
        throw withDetail(error);
      }
    },
    async *serverStream(request, context) {
      try {
        yield* service.serverStream(request, context);
      } catch (error) {
        throw withDetail(error);
      }
    },
  };
}

function withDetail(thrown: unknown): ConnectError {
  const error = ConnectError.from(thrown);
  error.details.push({ desc: ServedSchema, value: { backend: "connect-node" } });
  return error;
}
