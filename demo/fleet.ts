import type { ChildProcess } from "node:child_process";
import { once } from "node:events";
import type { AddressInfo } from "node:net";
import { createServer } from "node:net";
import type { DnsServer } from "./dns-server.ts";
import type { BackendConfig, FromBackend } from "./messages.ts";
import { messageOf, type Processes } from "./processes.ts";

/** One backend, as the demo's Kubernetes sees it. */
export interface Backend {
  readonly address: string;
  readonly host: string;
  readonly library: BackendConfig["library"];
  state: "started" | "serving" | "killed" | "frozen" | "ending" | "ended";
  process: ChildProcess;
  /** When DNS first named it, in wall-clock milliseconds. */
  listedAtMs: number;
}

/** As CoreDNS answers for a headless Service. */
const ttlSeconds = 5;

/** The backends, and the DNS name that lists them: what a Deployment and a headless Service are in Kubernetes. */
export class Fleet {
  /** Every backend there ever was, oldest first. */
  readonly backends: Backend[] = [];
  readonly #processes: Processes;
  readonly #dns: DnsServer;
  readonly #name: string;
  readonly #port: number;
  #listed: readonly Backend[] = [];

  constructor(processes: Processes, dns: DnsServer, name: string, port: number) {
    this.#processes = processes;
    this.#dns = dns;
    this.#name = name;
    this.#port = port;
  }

  get listed(): readonly Backend[] {
    return this.#listed;
  }

  /** Starts so many backends at once, on addresses of their own. DNS does not name them yet. */
  async start(count: number): Promise<Backend[]> {
    const starting = Array.from({ length: count }, async () => {
      const host = `127.0.0.${this.backends.length + 2}`;
      const library = this.backends.length % 2 === 0 ? "grpc-js" : "connect-node";
      const child = this.#launch(library, host);
      const address = `${host}:${this.#port}`;
      const backend: Backend = { address, host, library, state: "started", process: child, listedAtMs: 0 };
      this.backends.push(backend);
      await messageOf<FromBackend, "listening">(child, "listening");
      return backend;
    });
    return Promise.all(starting);
  }

  /** DNS names these too, from now on. */
  list(backends: readonly Backend[]): void {
    for (const backend of backends) {
      backend.state = "serving";
      backend.listedAtMs = Date.now();
    }
    this.#publish([...this.#listed, ...backends]);
  }

  /** Ends a backend as Kubernetes does: SIGTERM, and DNS names it no more. Resolves when its process has exited. */
  async end(backend: Backend): Promise<void> {
    this.#publish(this.#listed.filter((one) => one !== backend));
    backend.state = "ending";
    const exited = once(backend.process, "exit");
    backend.process.kill("SIGTERM");
    await exited;
    backend.state = "ended";
  }

  /** The process dies in an instant; DNS knows nothing of it. */
  kill(backend: Backend): void {
    backend.state = "killed";
    backend.process.kill("SIGKILL");
  }

  /** A killed backend comes back where it was, as a container restarts in its pod. */
  async restart(backend: Backend): Promise<void> {
    backend.process = this.#launch(backend.library, backend.host);
    await messageOf<FromBackend, "listening">(backend.process, "listening");
    backend.state = "serving";
  }

  /** The process stands still, with its sockets open. */
  freeze(backend: Backend): void {
    backend.state = "frozen";
    backend.process.kill("SIGSTOP");
  }

  thaw(backend: Backend): void {
    backend.state = "serving";
    backend.process.kill("SIGCONT");
  }

  #launch(library: BackendConfig["library"], host: string): ChildProcess {
    const config: BackendConfig = { library, host, port: this.#port };
    return this.#processes.start(new URL("backend.ts", import.meta.url), config);
  }

  #publish(listed: readonly Backend[]): void {
    this.#listed = listed;
    this.#dns.set(this.#name, { addresses: listed.map(({ host }) => host), ttlSeconds });
  }
}

/** A port that is free now. */
export async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.2");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, "close");
  return port;
}
