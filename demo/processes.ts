import { type ChildProcess, fork, type StdioOptions } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";

/** Output of children goes where this process' own goes, or through it. */
const inheritOutput: StdioOptions = ["ignore", "inherit", "inherit", "ipc"];
const pipeOutput: StdioOptions = ["ignore", "pipe", "pipe", "ipc"];

/** Child processes that never outlive this one: whatever ends it, Ctrl-C and crashes included, kills them. */
export class Processes {
  readonly #output: ((text: string) => void) | undefined;
  readonly #running = new Set<ChildProcess>();
  readonly #killAll = () => {
    for (const child of this.#running) child.kill("SIGKILL");
  };

  /** With `output`, what children print goes there. */
  constructor(output?: (text: string) => void) {
    this.#output = output;
    process.on("exit", this.#killAll);
  }

  /**
   * Starts a program of this repository as a Node process, with this one's options for Node: what lets this one run
   * TypeScript is among them. It finds `config` with {@link ownConfig}.
   */
  start(program: URL, config: unknown, stdio = this.#output === undefined ? inheritOutput : pipeOutput): ChildProcess {
    const child = fork(fileURLToPath(program), [JSON.stringify(config)], { stdio });
    if (this.#output !== undefined) {
      child.stdout?.setEncoding("utf8").on("data", this.#output);
      child.stderr?.setEncoding("utf8").on("data", this.#output);
    }
    this.#running.add(child);
    child.once("exit", () => this.#running.delete(child));
    return child;
  }

  /** Kills what still runs, and resolves when all have exited. */
  async close(): Promise<void> {
    const exits = [...this.#running].map((child) => once(child, "exit"));
    this.#killAll();
    await Promise.all(exits);
    process.off("exit", this.#killAll);
  }
}

/** Resolves with the child's next message of this type; rejects if the child ends first. */
export function messageOf<M extends { readonly type: string }, T extends M["type"]>(
  child: ChildProcess,
  type: T,
): Promise<Extract<M, { readonly type: T }>> {
  return new Promise((resolve, reject) => {
    const onMessage = (message: unknown) => {
      if ((message as M).type !== type) return;
      child.off("message", onMessage).off("exit", onExit);
      resolve(message as Extract<M, { readonly type: T }>);
    };
    const onExit = (code: number | null, signal: string | null) => {
      child.off("message", onMessage);
      reject(new Error(`${child.spawnargs.at(-1)} ended with ${signal ?? code} before it said "${type}"`));
    };
    child.on("message", onMessage).once("exit", onExit);
  });
}

/** In a child: the configuration that its parent gave. Ends this process when the parent is gone. */
export function ownConfig<T>(): T {
  process.on("disconnect", () => process.exit());
  return JSON.parse(process.argv[2] ?? "{}") as T;
}

/** In a child: tells the parent. Resolves once the message has left, or could not: a parent that is gone ends us anyway. */
export function tellParent<M>(message: M): Promise<void> {
  return new Promise((resolve) => {
    process.send?.(message, undefined, undefined, () => resolve());
  });
}
