import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { type AddressInfo, connect, createServer } from "node:net";
import { delimiter, join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { hasSignals } from "../../demo/signals.ts";

/** True where a program of this name is on PATH. */
export function hasProgram(name: string): boolean {
  const folders = (process.env.PATH ?? "").split(delimiter);
  const names = process.platform === "win32" ? [`${name}.exe`, `${name}.cmd`] : [name];
  return folders.some((folder) => names.some((one) => existsSync(join(folder, one))));
}

/** A port of 127.0.0.1 that nobody listens on, for programs that have to be told one. */
export async function freePort(): Promise<number> {
  const server = createServer();
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, "close");
  return port;
}

/**
 * Servers that others wrote, each a process with whatever processes it starts. They never outlive this one, SIGTERM and
 * Ctrl-C included.
 */
export class Programs {
  readonly #running = new Set<ChildProcess>();
  readonly #killAll = () => {
    for (const child of this.#running) killGroup(child);
  };
  readonly #exit = () => process.exit(1);

  constructor() {
    process.on("exit", this.#killAll);
    process.on("SIGTERM", this.#exit).on("SIGINT", this.#exit);
  }

  /** Starts a program and resolves once it accepts connections on `port`. What it prints is shown only if it fails. */
  async start(command: string, args: readonly string[], port: number): Promise<ChildProcess> {
    const child = spawn(command, args, {
      stdio: ["ignore", "pipe", "pipe"],
      // A process group of its own: workers outlive a master that was killed.
      detached: true,
    });
    this.#running.add(child);
    let output = "";
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding("utf8").on("data", (text: string) => {
        output = (output + text).slice(-4_000);
      });
    }
    let ended: string | undefined;
    child.once("error", (error) => {
      ended = error.message;
    });
    child.once("exit", (code, signal) => {
      ended = `it ended with ${signal ?? code}`;
      this.#running.delete(child);
    });
    const giveUpMs = performance.now() + 30_000;
    while (!(await accepts(port))) {
      if (ended === undefined && performance.now() > giveUpMs) ended = "it does not listen after 30 s";
      if (ended !== undefined) throw new Error(`${command}: ${ended}\n${output}`);
      await sleep(50);
    }
    return child;
  }

  /** Kills what still runs, and resolves when all have exited. */
  async close(): Promise<void> {
    const exits = [...this.#running].map((child) => once(child, "close"));
    this.#killAll();
    await Promise.all(exits);
    process.off("exit", this.#killAll).off("SIGTERM", this.#exit).off("SIGINT", this.#exit);
  }
}

function killGroup(child: ChildProcess): void {
  const { pid } = child;
  if (pid === undefined) return;
  // Windows has no groups of processes.
  if (!hasSignals) return void child.kill();
  try {
    process.kill(-pid, "SIGKILL");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ESRCH") throw error;
  }
}

function accepts(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ host: "127.0.0.1", port });
    const answer = (accepted: boolean) => {
      socket.destroy();
      resolve(accepted);
    };
    socket.once("connect", () => answer(true)).once("error", () => answer(false));
  });
}
