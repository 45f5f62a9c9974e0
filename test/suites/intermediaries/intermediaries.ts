import { execFileSync } from "node:child_process";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";

/** A proxy that others wrote, between glink and a backend, all of it on loopback and without TLS. */
export interface Intermediary {
  readonly name: string;
  /** The Debian package, and the program in it. */
  readonly packageName: string;
  readonly program: string;
  version(): string;
  /** Writes what it needs into `folder` and returns its arguments. */
  configure(folder: string, port: number, backendPort: number): readonly string[];
  /** Makes it read its configuration again and replace its workers, while connections are open. */
  readonly reloadSignal: NodeJS.Signals;
  /** Connections that 2 000 calls and a reload need at least. */
  readonly minConnections: number;
}

const firstMatch = (pattern: RegExp, text: string) => pattern.exec(text)?.[0] ?? text.trim();

/** Writes a configuration file and returns its path. */
export function writeConfiguration(folder: string, name: string, content: string): string {
  mkdirSync(folder, { recursive: true });
  const path = join(folder, name);
  writeFileSync(path, content);
  return path;
}

const temporaryPaths = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"];

/** How nginx calls its backend: by its gRPC module, which speaks HTTP/2, or as it calls web servers. */
const nginxPasses = {
  http2: "grpc_pass grpc://backend;",
  http1: `proxy_pass http://backend;
      proxy_http_version 1.1;
      proxy_set_header connection "";
      proxy_buffering off;
      proxy_request_buffering off;`,
};

/** Takes so many requests on a connection, then says GOAWAY. */
export const nginx = (keepaliveRequests: number, pass: keyof typeof nginxPasses = "http2"): Intermediary => ({
  name: `nginx, keepalive_requests ${keepaliveRequests}`,
  packageName: "nginx",
  program: "nginx",
  version: () => firstMatch(/[\d.]+/, execFileSync("sh", ["-c", "nginx -v 2>&1"], { encoding: "utf8" })),
  configure: (folder, port, backendPort) => [
    "-e",
    join(folder, "error.log"),
    "-c",
    writeConfiguration(
      folder,
      "nginx.conf",
      `daemon off;
worker_processes 1;
${process.getuid?.() === 0 ? "user root;" : ""}
pid ${folder}/nginx.pid;
events {
  worker_connections 4096;
}
http {
  access_log off;
  client_max_body_size 0;
  ${temporaryPaths.map((name) => `${name}_temp_path ${folder}/${name};`).join("\n  ")}
  upstream backend {
    server 127.0.0.1:${backendPort};
    keepalive 64;
  }
  server {
    listen 127.0.0.1:${port} http2;
    keepalive_requests ${keepaliveRequests};
    location / {
      ${nginxPasses[pass]}
    }
  }
}
`,
    ),
  ],
  reloadSignal: "SIGHUP",
  minConnections: Math.ceil(2_000 / keepaliveRequests),
});

export const haproxy: Intermediary = {
  name: "haproxy",
  packageName: "haproxy",
  program: "haproxy",
  version: () => firstMatch(/\d[\d.]+/, execFileSync("haproxy", ["-v"], { encoding: "utf8" })),
  configure: (folder, port, backendPort) => [
    "-W",
    "-f",
    writeConfiguration(
      folder,
      "haproxy.cfg",
      `global
  maxconn 100
  stats socket ${folder}/haproxy.sock level admin expose-fd listeners
defaults
  mode http
  timeout connect 5s
  timeout client 60s
  timeout server 60s
frontend grpc
  bind 127.0.0.1:${port} proto h2
  default_backend echo
backend echo
  server echo 127.0.0.1:${backendPort} proto h2
`,
    ),
  ],
  reloadSignal: "SIGUSR2",
  minConnections: 2,
};

export const nghttpx: Intermediary = {
  name: "nghttpx",
  packageName: "nghttp2-proxy",
  program: "nghttpx",
  version: () => firstMatch(/\d[\d.]+$/m, execFileSync("nghttpx", ["-v"], { encoding: "utf8" }).replace(/.*\//, "")),
  configure: (folder, port, backendPort) => [
    "--conf",
    writeConfiguration(
      folder,
      "nghttpx.conf",
      `frontend=127.0.0.1,${port};no-tls
backend=127.0.0.1,${backendPort};;proto=h2
workers=1
errorlog-file=${folder}/error.log
`,
    ),
  ],
  reloadSignal: "SIGHUP",
  minConnections: 2,
};

export const intermediaries: readonly Intermediary[] = [nginx(50), haproxy, nghttpx];
