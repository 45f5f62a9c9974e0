import type { ChildProcess } from "node:child_process";
import { once } from "node:events";
import { writeFileSync } from "node:fs";
import type { AddressInfo } from "node:net";
import { createServer } from "node:net";
import type { FakeDns } from "../src/testing/index.ts";
import type { BackendConfig, FromBackend } from "./messages.ts";
import { messageOf, type Processes } from "./processes.ts";
import { endGracefully } from "./signals.ts";

/** One backend, as the demo's Kubernetes sees it. */
export interface Backend {
  /** `host:port`; also what it answers as `served.backend`. */
  readonly address: string;
  readonly host: string;
  readonly port: number;
  /** What distinguishes it from the others: its host, or its port. */
  readonly label: string;
  readonly library: BackendConfig["library"];
  state: "started" | "serving" | "killed" | "frozen" | "ending" | "ended";
  process: ChildProcess;
  /** When DNS first named it, in wall-clock milliseconds. */
  listedAtMs: number;
}

export interface FleetOptions {
  readonly processes: Processes;
  readonly dns: FakeDns;
  readonly serviceName: string;
  /** Of every backend, on addresses of their own. Undefined: all are on 127.0.0.1, each on a port of its own. */
  readonly port: number | undefined;
  /** Lists the backends too, as fileResolver reads it. */
  readonly backendFile: string | undefined;
}

/** As CoreDNS answers for a headless Service. */
const ttlSeconds = 5;

/** The backends, and the DNS name that lists them: what a Deployment and a headless Service are in Kubernetes. */
export class Fleet {
  /** Every backend there ever was, oldest first. */
  readonly backends: Backend[] = [];
  readonly #processes: Processes;
  readonly #dns: FakeDns;
  readonly #serviceName: string;
  readonly #port: number | undefined;
  readonly #backendFile: string | undefined;
  #listed: readonly Backend[] = [];

  constructor({ processes, dns, serviceName, port, backendFile }: FleetOptions) {
    this.#processes = processes;
    this.#dns = dns;
    this.#serviceName = serviceName;
    this.#port = port;
    this.#backendFile = backendFile;
  }

  get listed(): readonly Backend[] {
    return this.#listed;
  }

  /** Starts so many backends at once, on addresses or ports of their own. DNS does not name them yet. */
  async start(count: number): Promise<Backend[]> {
    const numbers = Array.from({ length: count }, (_, i) => this.backends.length + i);
    const started = await Promise.all(numbers.map((number) => this.#start(number)));
    this.backends.push(...started);
    return started;
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
    endGracefully(backend.process);
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
    backend.process = this.#launch(backend);
    await messageOf<FromBackend, "listening">(backend.process, "listening");
    backend.state = "serving";
  }

  /** The process stands still, with its sockets open. Only where the system `hasSignals`. */
  freeze(backend: Backend): void {
    backend.state = "frozen";
    backend.process.kill("SIGSTOP");
  }

  thaw(backend: Backend): void {
    backend.state = "serving";
    backend.process.kill("SIGCONT");
  }

  async #start(number: number): Promise<Backend> {
    const library = number % 2 === 0 ? "grpc-js" : "connect-node";
    const host = this.#port === undefined ? "127.0.0.1" : `127.0.0.${number + 2}`;
    const child = this.#launch({ library, host, port: this.#port ?? 0 });
    const { port } = await messageOf<FromBackend, "listening">(child, "listening");
    const label = this.#port === undefined ? `port ${port}` : host;
    return { address: `${host}:${port}`, host, port, label, library, state: "started", process: child, listedAtMs: 0 };
  }

  #launch({ library, host, port }: BackendConfig): ChildProcess {
    const config: BackendConfig = { library, host, port };
    return this.#processes.start(new URL("backend.ts", import.meta.url), config);
  }

  #publish(listed: readonly Backend[]): void {
    this.#listed = listed;
    const addresses = [...new Set(listed.map(({ host }) => host))];
    this.#dns.set(this.#serviceName, { addresses, ttlSeconds });
    if (this.#backendFile !== undefined) {
      writeFileSync(this.#backendFile, JSON.stringify({ endpoints: listed.map(({ address }) => address) }));
    }
    if (this.#port !== undefined) return;
    const services = listed.map(({ port }) => ({ target: this.#serviceName, port }));
    this.#dns.set(`_grpc._tcp.${this.#serviceName}`, { services, ttlSeconds });
  }
}

/** A port that is free now on addresses that only the demo uses, where the machine `hasManyLoopbackAddresses`. */
export async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.2");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, "close");
  return port;
}
