import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import type { Readable } from "node:stream";
import { fileURLToPath } from "node:url";

/** How a process ended, and what it printed. */
export interface ProcessEnd {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly output: string;
}

/**
 * Newer V8 reserves 512 MB for code, for the program and for tsx's thread each where it runs through that, and touches
 * next to nothing of it. The data limit counts it.
 */
const reservedMiB = Number(process.versions.node.split(".")[0]) > 20 ? 1_024 : 0;

/** A Node process that may have 256 MB, and to which one talks by messages. */
export class LimitedProcess<To extends object, From extends { readonly type: string }> {
  readonly end: Promise<ProcessEnd>;
  readonly #child: ChildProcess;

  /**
   * Starts a program of this repository. V8's heap ends at 256 MB and, on Linux, all that is writable and private at the data limit:
   * `ulimit -v` is of no use, because V8 reserves gigabytes of addresses that it never touches. V8's young generation,
   * which would grow under any load, is fixed, so that the resident set tells of what the program keeps.
   */
  constructor(program: URL) {
    const limits = ["--max-old-space-size=256", "--max-semi-space-size=4", "--expose-gc"];
    const node = [...process.execArgv, ...limits, fileURLToPath(program)];
    const script = `ulimit -d ${(256 + reservedMiB) * 1_024} && exec "$0" "$@"`;
    const shell = ["/bin/sh", "-c", script];
    // Elsewhere the data limit counts something else, or is not there.
    const [command = "", ...args] = [...(process.platform === "linux" ? shell : []), process.execPath, ...node];
    this.#child = spawn(command, args, { stdio: ["ignore", "pipe", "pipe", "ipc"] });
    let output = "";
    for (const stream of [this.#child.stdout, this.#child.stderr] as Readable[]) {
      stream.setEncoding("utf8").on("data", (text: string) => {
        output += text;
      });
    }
    this.end = once(this.#child, "close").then(([code, signal]) => ({ code, signal, output }));
  }

  send(message: To): void {
    this.#child.send(message);
  }

  /** The next message of this type. Rejects, with what the process printed, if it ends first. */
  async next<T extends From["type"]>(type: T): Promise<Extract<From, { type: T }>> {
    const coming = new Promise<Extract<From, { type: T }>>((resolve) => {
      const onMessage = (message: From) => {
        if (message.type !== type) return;
        this.#child.off("message", onMessage);
        resolve(message as Extract<From, { type: T }>);
      };
      this.#child.on("message", onMessage);
    });
    const ended = this.end.then(({ code, signal, output }) => {
      throw new Error(`the process ended with ${signal ?? code} before it said "${type}":\n${output}`);
    });
    return Promise.race([coming, ended]);
  }

  async kill(): Promise<void> {
    this.#child.kill("SIGKILL");
    await this.end;
  }
}
