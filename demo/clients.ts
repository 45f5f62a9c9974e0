import type { ChildProcess } from "node:child_process";
import { type ClientConfig, type ClientName, clientNames, type FromClient, type ToClient } from "./messages.ts";
import { messageOf, type Processes } from "./processes.ts";
import { CallStatistics } from "./statistics.ts";

/** The clients, each in a process of its own, under the same load at the same time. */
export class Clients {
  readonly statistics: Readonly<Record<ClientName, CallStatistics>> = {
    glink: new CallStatistics(),
    createGrpcTransport: new CallStatistics(),
    "grpc-js": new CallStatistics(),
  };
  readonly #children: readonly ChildProcess[];
  readonly #ready: Promise<unknown>;

  /** `failed` is called when a client process ends before it was told to. */
  constructor(processes: Processes, config: Omit<ClientConfig, "client">, failed: (error: Error) => void) {
    this.#children = clientNames.map((client) => {
      const child = processes.start(new URL("client/main.ts", import.meta.url), { ...config, client });
      child.on("message", (message: FromClient) => {
        if (message.type === "report") this.statistics[client].add(message);
      });
      child.once("exit", (code, signal) => {
        if (code !== 0) failed(new Error(`the client process of ${client} ended with ${signal ?? code}`));
      });
      return child;
    });
    this.#ready = Promise.all(this.#children.map((child) => messageOf<FromClient, "ready">(child, "ready")));
  }

  /** Starts the load, once all processes are up. */
  async begin(): Promise<void> {
    await this.#ready;
    for (const child of this.#children) child.send({ type: "begin" } satisfies ToClient);
  }

  /** Ends the load. Resolves when the last open calls have ended and are counted. */
  async stop(): Promise<void> {
    const stopped = this.#children.map((child) => messageOf<FromClient, "stopped">(child, "stopped"));
    for (const child of this.#children) child.send({ type: "stop" } satisfies ToClient);
    await Promise.all(stopped);
  }
}
