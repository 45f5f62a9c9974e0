import type { ChildProcess } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { ServerCredentials } from "@grpc/grpc-js";
import { listen } from "../../../demo/grpc-js-server.ts";
import { serverIdentity } from "../../support/certificates.ts";
import { goTool, hasGo } from "../../support/go-tools.ts";
import { freePort, type Programs } from "../../support/programs.ts";
import { pythonEnvironment } from "../../support/python-tools.ts";
import { grpcJsInteropServer } from "./grpc-js-server.ts";
import { descriptorSet, type InteropServices } from "./messages.ts";

const certificateFile = join(import.meta.dirname, "../../support/certs/server.pem");
const keyFile = join(import.meta.dirname, "../../support/certs/server.key.pem");

/** A server that an interop run is made against. */
export interface InteropServer {
  /** With its version. */
  readonly name: string;
  /** Why it cannot run here; undefined: it can. Installs what is missing and may be installed. */
  unavailable(): string | undefined;
  /** Resolves with its port on 127.0.0.1. Its certificate, with `tls`, is the one for echo.test. */
  start(tls: boolean): Promise<number>;
  /** Asks the last one that was started for a graceful end, where it knows one. */
  shutDown?(): void;
}

const grpcGoVersion = "v1.83.1";

export function grpcGo(programs: Programs): InteropServer {
  return {
    name: `grpc-go ${grpcGoVersion}`,
    unavailable: () => (hasGo() ? undefined : "Go is not installed"),
    async start(tls) {
      const port = await freePort();
      const secure = ["-use_tls", "-tls_cert_file", certificateFile, "-tls_key_file", keyFile];
      const server = goTool("google.golang.org/grpc/interop/server", grpcGoVersion);
      await programs.start(server, ["-port", String(port), ...(tls ? secure : [])], port);
      return port;
    },
  };
}

export function grpcJs(services: InteropServices, closers: (() => void)[]): InteropServer {
  return {
    name: `grpc-js ${grpcJsVersion()}`,
    unavailable: () => undefined,
    async start(tls) {
      const server = grpcJsInteropServer(services.test);
      closers.push(() => server.forceShutdown());
      const { cert, key } = serverIdentity;
      const credentials = tls
        ? ServerCredentials.createSsl(null, [{ cert_chain: Buffer.from(cert), private_key: Buffer.from(key) }])
        : ServerCredentials.createInsecure();
      return listen(server, "127.0.0.1:0", credentials);
    },
  };
}

function grpcJsVersion(): string {
  const path = join(import.meta.dirname, "../../../node_modules/@grpc/grpc-js/package.json");
  return (JSON.parse(readFileSync(path, "utf8")) as { version: string }).version;
}

const grpcioVersion = "1.85.1";

const grpcio = pythonEnvironment(
  `python-grpcio-${grpcioVersion}`,
  [`grpcio==${grpcioVersion}`, "protobuf==7.36.2"],
  ["python", "-c", "import grpc, google.protobuf"],
);
let grpcioReason: { readonly reason: string | undefined } | undefined;

/** A Python with grpcio, installed where it is missing; or why there is none. */
export function grpcioPython(): { readonly path: string } | { readonly missing: string } {
  grpcioReason ??= { reason: grpcio.install() };
  const { reason } = grpcioReason;
  return reason === undefined ? { path: join(grpcio.bin, "python") } : { missing: reason };
}

export function cCore(programs: Programs): InteropServer {
  let server: ChildProcess | undefined;
  return {
    name: `C-core, grpcio ${grpcioVersion}`,
    unavailable: () => grpcio.install(),
    async start(tls) {
      const port = await freePort();
      const secure = tls ? [certificateFile, keyFile] : [];
      const script = join(import.meta.dirname, "server.py");
      server = await programs.start(join(grpcio.bin, "python"), [script, descriptorSet, String(port), ...secure], port);
      return port;
    },
    shutDown() {
      server?.kill("SIGTERM");
    },
  };
}
