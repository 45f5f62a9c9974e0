import type { ChildProcess } from "node:child_process";
import { once } from "node:events";
import { text } from "node:stream/consumers";
import { messageOf, type Processes } from "../../../demo/processes.ts";
import type { ClientConfig, FromClient, ToClient } from "./messages.ts";

/** How the process of a client ended, and all that it printed. */
export interface ClientEnd {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** The client of a round, as the harness sees it. */
export class ClientProcess {
  readonly #child: ChildProcess;
  /** Resolves when it has ended, whatever ended it. */
  readonly ended: Promise<ClientEnd>;

  constructor(processes: Processes, config: ClientConfig) {
    this.#child = processes.start(new URL("client.ts", import.meta.url), config, ["ignore", "pipe", "pipe", "ipc"]);
    // The channel of a process that has ended: that it has ended is what counts, and `ended` says it.
    this.#child.on("error", () => undefined);
    this.ended = this.#end();
  }

  /** Resolves with its next message of this type; rejects if it ends first. */
  hear<T extends FromClient["type"]>(type: T): Promise<Extract<FromClient, { readonly type: T }>> {
    const heard = messageOf<FromClient, T>(this.#child, type);
    // Nobody may be waiting yet when it ends.
    heard.catch(() => undefined);
    return heard;
  }

  tell(type: ToClient["type"]): void {
    this.#child.send({ type } satisfies ToClient);
  }

  kill(): void {
    this.#child.kill("SIGKILL");
  }

  async #end(): Promise<ClientEnd> {
    const { stdout, stderr } = this.#child;
    const [[code, signal], out, err] = await Promise.all([
      once(this.#child, "exit") as Promise<[number | null, NodeJS.Signals | null]>,
      stdout === null ? "" : text(stdout),
      stderr === null ? "" : text(stderr),
    ]);
    return { code, signal, stdout: out, stderr: err };
  }
}
