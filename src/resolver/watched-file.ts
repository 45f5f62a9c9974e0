import type { BigIntStats } from "node:fs";
import { builtinModule } from "../runtime/builtin-modules.ts";
import type { Runtime } from "../runtime/runtime.ts";
import { readEndpointFile } from "./endpoint-file.ts";
import { FileBell } from "./file-bell.ts";
import type { RunEnd } from "./run-loop.ts";
import type { ListRun } from "./watch-list.ts";

/** Which file, and how it is watched. */
export interface WatchedFileOptions {
  readonly path: string;
  readonly port: number;
  readonly pollIntervalMs: number;
}

/** Who writes a file in place may have it half written for so long: what is wrong with it is not said before. */
const settleMs = 250;

/** One file of endpoints, as it is and as it changes. */
export class WatchedFile {
  readonly #options: WatchedFileOptions;
  readonly #runtime: Runtime;
  /** Of what was read last, and what is wrong with that. */
  #version: string | undefined;
  #error: unknown;
  /** The last error that was told. */
  #errorSaid: string | undefined;

  constructor(options: WatchedFileOptions, runtime: Runtime) {
    this.#options = options;
    this.#runtime = runtime;
  }

  /** Reports the file as it is and as it changes. It ends only to tell an error that was not told yet. */
  async follow(run: ListRun): Promise<RunEnd> {
    const { pollIntervalMs } = this.#options;
    const { clock } = this.#runtime;
    const bell = new FileBell(this.#options.path, run.signal, clock);
    run.onHint(() => bell.ring());
    try {
      let isDoubtful = false;
      let isTold = true;
      while (!run.signal.aborted) {
        const known = this.#version;
        const error = await this.#look(run);
        if (!isTold && this.#version !== known) bell.listenAnew();
        const text = error === undefined ? undefined : String(error);
        if (text !== undefined && text !== this.#errorSaid && isDoubtful) {
          this.#errorSaid = text;
          return { againMs: pollIntervalMs, error };
        }
        isDoubtful = text !== undefined && text !== this.#errorSaid;
        if (isDoubtful) await bell.sleep(settleMs);
        else isTold = await bell.wait(pollIntervalMs);
      }
      return { againMs: Number.POSITIVE_INFINITY };
    } finally {
      bell.close();
    }
  }

  /** Returns what is wrong with the file. */
  async #look(run: ListRun): Promise<unknown> {
    const { path, port } = this.#options;
    const { promises } = builtinModule("node:fs");
    try {
      const stats = await promises.stat(path, { bigint: true });
      // A folder says so itself; a pipe, or a device, would never end.
      if (!stats.isFile() && !stats.isDirectory()) throw new TypeError("it is no regular file");
      const version = versionOf(stats);
      if (version === this.#version) return this.#error;
      const text = await promises.readFile(path, "utf8");
      this.#version = version;
      run.report({ endpoints: readEndpointFile(text, port) });
      this.#error = undefined;
      this.#errorSaid = undefined;
    } catch (error) {
      this.#error = new Error(`${path}: ${(error as Error).message}`, { cause: error });
      // What could not be read may be readable the next time, the same file.
      if ((error as NodeJS.ErrnoException).code !== undefined) this.#version = undefined;
    }
    return this.#error;
  }
}

function versionOf({ dev, ino, size, mtimeNs, ctimeNs }: BigIntStats): string {
  return [dev, ino, size, mtimeNs, ctimeNs].join();
}
