import type { ChildProcess } from "node:child_process";
import { once } from "node:events";
import type { AddressInfo } from "node:net";
import { createServer } from "node:net";
import type { Listing } from "./listing.ts";
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
  /** When clients could first find it, in wall-clock milliseconds. */
  listedAtMs: number;
}

export interface FleetOptions {
  readonly processes: Processes;
  /** Where clients find the backends. */
  readonly listings: readonly Listing[];
  /** Of every backend, on addresses of their own. Undefined: all are on 127.0.0.1, each on a port of its own. */
  readonly port: number | undefined;
  /** What the addresses begin with. */
  readonly network: string;
}

/** The backends, and the lists of them: what a Deployment and a headless Service are in Kubernetes. */
export class Fleet {
  /** Every backend there ever was, oldest first. */
  readonly backends: Backend[] = [];
  readonly #options: FleetOptions;
  #listed: readonly Backend[] = [];

  constructor(options: FleetOptions) {
    this.#options = options;
  }

  get listed(): readonly Backend[] {
    return this.#listed;
  }

  /** Starts so many backends at once, on addresses or ports of their own. No client can find them yet. */
  async start(count: number): Promise<Backend[]> {
    const numbers = Array.from({ length: count }, (_, i) => this.backends.length + i);
    const started = await Promise.all(numbers.map((number) => this.#start(number)));
    this.backends.push(...started);
    return started;
  }

  /** Clients can find these too, from now on. */
  async list(backends: readonly Backend[]): Promise<void> {
    for (const backend of backends) {
      backend.state = "serving";
      backend.listedAtMs = Date.now();
    }
    await this.#publish([...this.#listed, ...backends]);
  }

  /** Ends a backend as Kubernetes does: SIGTERM, and clients find it no more. Resolves when its process has exited. */
  async end(backend: Backend): Promise<void> {
    const published = this.#publish(this.#listed.filter((one) => one !== backend));
    backend.state = "ending";
    const exited = once(backend.process, "exit");
    endGracefully(backend.process);
    await Promise.all([published, exited]);
    backend.state = "ended";
  }

  /** The process dies in an instant; no list knows of it. */
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
    const { port: commonPort, network } = this.#options;
    const library = number % 2 === 0 ? "grpc-js" : "connect-node";
    const host = commonPort === undefined ? "127.0.0.1" : `${network}.${number + 2}`;
    const child = this.#launch({ library, host, port: commonPort ?? 0 });
    const { port } = await messageOf<FromBackend, "listening">(child, "listening");
    const label = commonPort === undefined ? `port ${port}` : host;
    return { address: `${host}:${port}`, host, port, label, library, state: "started", process: child, listedAtMs: 0 };
  }

  #launch({ library, host, port }: BackendConfig): ChildProcess {
    const config: BackendConfig = { library, host, port };
    return this.#options.processes.start(new URL("backend.ts", import.meta.url), config);
  }

  async #publish(listed: readonly Backend[]): Promise<void> {
    this.#listed = listed;
    await Promise.all(this.#options.listings.map((listing) => listing.publish(listed)));
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
