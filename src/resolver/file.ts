import type { BigIntStats } from "node:fs";
import { checkNames, checkNumber, checkObject, describeValue } from "../base/check.ts";
import { builtinModule } from "../runtime/builtin-modules.ts";
import type { Runtime } from "../runtime/runtime.ts";
import { readEndpointFile } from "./endpoint-file.ts";
import { FileBell } from "./file-bell.ts";
import type { Resolver } from "./resolver.ts";
import type { RunEnd } from "./run-loop.ts";
import { type ListRun, watchList } from "./watch-list.ts";

/** How a file is watched. */
export interface FileResolverOptions {
  /**
   * The file is looked at this often, and at once where the operating system tells of a change. In milliseconds, 100 to
   * 3 600 000, default 1 000.
   */
  pollIntervalMs?: number;
}

/** Who writes a file in place may have it half written for so long: what is wrong with it is not said before. */
const settleMs = 250;

/**
 * Backends from a JSON file, which is read again whenever it changes: written in place, renamed, or swapped through a
 * symbolic link as Kubernetes does with ConfigMaps.
 *
 * `{ "endpoints": [{ "address": "10.0.0.1:50051", "weight": 2, "zone": "a", "priority": 0 }, "10.0.0.2:50051"] }`: an address
 * without a port takes that of `baseUrl`. Also `hostname`, `hashKey`, and `addresses` in the place of `address`. A file that
 * cannot be read, is not valid or has no endpoint keeps the last good list, and the error says where it is wrong.
 *
 * Throws a TypeError or RangeError that names the option.
 */
export function fileResolver(path: string, options: FileResolverOptions = {}): Resolver {
  if (typeof path !== "string" || path === "") {
    throw new TypeError(`fileResolver needs a path, like "/etc/backends.json", not ${describeValue(path)}`);
  }
  checkObject("the options of fileResolver", options);
  checkNames("fileResolver", options, ["pollIntervalMs"]);
  const { pollIntervalMs = 1_000 } = options;
  checkNumber("fileResolver.pollIntervalMs", pollIntervalMs, { min: 100, max: 3_600_000 });
  return {
    name: "file",
    watch({ port }, listener, runtime) {
      const file = new WatchedFile({ path, port, pollIntervalMs }, runtime);
      return watchList({ run: (run) => file.follow(run) }, listener, runtime);
    },
  };
}

interface FileOptions {
  readonly path: string;
  readonly port: number;
  readonly pollIntervalMs: number;
}

class WatchedFile {
  readonly #options: FileOptions;
  readonly #runtime: Runtime;
  /** Of what was read last, and what is wrong with that. */
  #version: string | undefined;
  #error: unknown;
  /** The last error that was told. */
  #errorSaid: string | undefined;

  constructor(options: FileOptions, runtime: Runtime) {
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
