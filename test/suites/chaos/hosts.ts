import type { ChildProcess } from "node:child_process";
import { messageOf, Processes } from "../../../demo/processes.ts";
import type { ChaosBackend } from "./backends.ts";
import type { FromHost, HostConfig, ServeRequest, ToHost } from "./messages.ts";
import { within } from "./within.ts";

/** What a process may take to end its servers. */
const clearTimeoutMs = 20_000;

type Library = HostConfig["library"];

/** The processes that serve with connect-node and grpc-js: kept from round to round, for starting them is dear. */
export class Hosts {
  readonly #processes = new Processes(() => undefined);
  readonly #hosts = new Map<Library, Promise<ChildProcess>>();

  /** Starts a server. */
  async serve(library: Library, request: ServeRequest): Promise<ChaosBackend> {
    const backend = new HostedBackend(this, library, request);
    await backend.start();
    return backend;
  }

  /** The process of this library: another one, where the last has ended. */
  async host(library: Library): Promise<ChildProcess> {
    const known = await this.#hosts.get(library);
    if (known !== undefined && known.exitCode === null && known.signalCode === null) return known;
    const starting = this.#start(library);
    this.#hosts.set(library, starting);
    return starting;
  }

  /** Ends every server, and leaves the processes. */
  async clear(): Promise<void> {
    for (const library of this.#hosts.keys()) {
      const host = await this.host(library);
      host.kill("SIGCONT");
      const cleared = messageOf<FromHost, "cleared">(host, "cleared");
      host.send({ type: "clear" } satisfies ToHost);
      // One that does not let go of its servers is replaced at the next round.
      await within(clearTimeoutMs, `the end of the servers of ${library}`, cleared).catch((error: Error) => {
        console.log(`chaos: ${error.message}`);
        host.kill("SIGKILL");
      });
    }
  }

  close(): Promise<void> {
    return this.#processes.close();
  }

  async #start(library: Library): Promise<ChildProcess> {
    const child = this.#processes.start(new URL("host.ts", import.meta.url), { library } satisfies HostConfig);
    // The channel of a process that was killed: what is sent to it is lost, as it should be.
    child.on("error", () => undefined);
    await messageOf<FromHost, "hosting">(child, "hosting");
    return child;
  }
}

class HostedBackend implements ChaosBackend {
  readonly #hosts: Hosts;
  readonly #library: Library;
  readonly #request: ServeRequest;
  port: number | undefined;

  constructor(hosts: Hosts, library: Library, request: ServeRequest) {
    this.#hosts = hosts;
    this.#library = library;
    this.#request = request;
  }

  async start(): Promise<void> {
    const host = await this.#hosts.host(this.#library);
    const serving = new Promise<number>((resolve, reject) => {
      const onMessage = (message: FromHost) => {
        if (message.type !== "serving" || message.id !== this.#request.id) return;
        host.off("message", onMessage).off("exit", onExit);
        resolve(message.port);
      };
      const onExit = () => reject(new Error("the process of the server ended"));
      host.on("message", onMessage).once("exit", onExit);
    });
    host.send(this.#request);
    // Killed again meanwhile, by another action: the end of faults starts what is missing.
    this.port = await serving.catch(() => undefined);
  }

  /** A successor first, then the end: as a rolling update does it. */
  async drain(): Promise<void> {
    await this.#tell({ type: "drain", id: this.#request.id });
    await this.start();
  }

  /** SIGKILL, for all servers of this library at once. */
  async kill(): Promise<void> {
    (await this.#hosts.host(this.#library)).kill("SIGKILL");
    this.port = undefined;
  }

  stop(): void {
    void this.#hosts.host(this.#library).then((host) => host.kill("SIGSTOP"));
  }

  resume(): void {
    void this.#hosts.host(this.#library).then((host) => host.kill("SIGCONT"));
  }

  health(serving: boolean): void {
    void this.#tell({ type: "health", id: this.#request.id, serving });
  }

  async heal(): Promise<void> {
    const host = await this.#hosts.host(this.#library);
    host.kill("SIGCONT");
    // Another server of the process may have been the one that was killed.
    if ((await this.#counted()) === undefined) await this.start();
    this.health(true);
  }

  async executions(): Promise<ReadonlyMap<string, number>> {
    return new Map(Object.entries((await this.#counted()) ?? {}));
  }

  async close(): Promise<void> {
    return;
  }

  /** Undefined: the process knows no such server. */
  async #counted(): Promise<Readonly<Record<string, number>> | undefined> {
    const { id } = this.#request;
    const host = await this.#hosts.host(this.#library);
    const counted = new Promise<Readonly<Record<string, number>> | undefined>((resolve) => {
      const onMessage = (message: FromHost) => {
        if (message.type !== "counted" || message.id !== id) return;
        host.off("message", onMessage).off("exit", onExit);
        resolve(message.isServing ? message.executions : undefined);
      };
      const onExit = () => resolve(undefined);
      host.on("message", onMessage).once("exit", onExit);
    });
    host.send({ type: "count", id } satisfies ToHost);
    return counted;
  }

  async #tell(message: ToHost): Promise<void> {
    (await this.#hosts.host(this.#library)).send(message);
  }
}
