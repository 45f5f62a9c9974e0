import { type ChildProcess, spawn } from "node:child_process";
import { createInterface } from "node:readline";

/** A child process that is spoken to in lines of JSON: one out for each one in. */
export class LineProcess {
  readonly #child: ChildProcess;
  readonly #lines: AsyncIterator<string>;
  readonly #ended: Promise<string>;
  readonly #name: string;

  constructor(name: string, command: string, args: readonly string[]) {
    this.#name = name;
    this.#child = spawn(command, args, { stdio: ["pipe", "pipe", "inherit"] });
    const { stdout } = this.#child;
    if (stdout === null) throw new Error("the child has no output");
    this.#lines = createInterface({ input: stdout })[Symbol.asyncIterator]();
    this.#ended = new Promise((resolve, reject) => {
      this.#child.once("error", reject);
      this.#child.once("exit", (code, signal) => resolve(signal ?? `exit code ${code}`));
    });
  }

  send(value: object): void {
    this.#child.stdin?.write(`${JSON.stringify(value)}\n`);
  }

  /** The next line. Rejects when the process ended instead. */
  async receive<T>(): Promise<T> {
    const { value, done } = await this.#lines.next();
    if (done) throw new Error(`${this.#name} ended: ${await this.#ended}`);
    return JSON.parse(value) as T;
  }

  /** Ends its input, and resolves when the process is gone. */
  async end(): Promise<void> {
    this.#child.stdin?.end();
    await this.#ended;
  }
}
