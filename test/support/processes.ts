import { type ChildProcessByStdio, type SpawnOptions, spawn } from "node:child_process";
import { once } from "node:events";
import type { Readable } from "node:stream";
import { hasManyLoopbackAddresses } from "../../demo/loopback.ts";
import type { BackendConfig, FromBackend, ToBackend } from "../../demo/messages.ts";
import { messageOf, Processes } from "../../demo/processes.ts";
import { endGracefully } from "../../demo/signals.ts";

/** A backend in a process of its own: it can be killed, frozen and restarted, as pods are. */
export interface BackendProcess {
  /** `host:port`; also what it answers as `served.backend`. */
  readonly address: string;
  /** Sends a signal. SIGTERM is a graceful end: GOAWAY, then exit after the last open call. */
  kill(signal: NodeJS.Signals): void;
  /** Exit code and signal; resolves when the process has ended. */
  readonly exited: Promise<[code: number | null, signal: NodeJS.Signals | null]>;
  /** What the handlers did so far. Asks the process, so it must be alive and not frozen. */
  counters(): Promise<Extract<FromBackend, { type: "counters" }>>;
  /** A new process on the same address, after this one has ended. */
  restart(): Promise<BackendProcess>;
}

/** How a script ended, and what it printed. */
export interface ScriptResult {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** A program under test in a process of its own. */
export interface RunningScript {
  /** Tells it to end: whatever that means to the script, which hears a message. */
  stop(): void;
  readonly result: Promise<ScriptResult>;
}

/** The processes of one test. `close` kills what is left of them. */
export class TestProcesses {
  readonly #processes = new Processes();

  /** Starts a backend and resolves once it listens. */
  async backend(config: BackendConfig): Promise<BackendProcess> {
    const child = this.#processes.start(new URL("../../demo/backend.ts", import.meta.url), config);
    const exited = once(child, "exit") as BackendProcess["exited"];
    const { port } = await messageOf<FromBackend, "listening">(child, "listening");
    return {
      address: `${config.host}:${port}`,
      exited,
      kill: (signal) => {
        if (signal === "SIGTERM") endGracefully(child);
        else child.kill(signal);
      },
      counters: () => {
        const answer = messageOf<FromBackend, "counters">(child, "counters");
        child.send({ type: "count" } satisfies ToBackend);
        return answer;
      },
      restart: async () => {
        await exited;
        return this.backend({ ...config, port });
      },
    };
  }

  /**
   * Starts so many backends at the same time, connect-node and grpc-js in turn: each on an address of its own from
   * 127.0.0.`firstHost` on or, where the machine has 127.0.0.1 alone, on a port of its own.
   */
  async backends(count: number, firstHost = 2): Promise<BackendProcess[]> {
    const haveAddresses = await hasManyLoopbackAddresses();
    const starting = Array.from({ length: count }, (_, index) => {
      const library = index % 2 === 0 ? "connect-node" : "grpc-js";
      return this.backend({ library, host: haveAddresses ? `127.0.0.${firstHost + index}` : "127.0.0.1", port: 0 });
    });
    return Promise.all(starting);
  }

  /** Runs a program of this repository. Its output is kept, not shown. */
  script(program: URL, config: unknown): RunningScript {
    const child = this.#processes.start(program, config, ["ignore", "pipe", "pipe", "ipc"]);
    // The channel to this process is the runner's, not the script's: it must not keep the script alive.
    const exited = once(child, "close") as BackendProcess["exited"];
    const output = Promise.all([textOf(child.stdout as Readable), textOf(child.stderr as Readable)]);
    return {
      stop: () => child.send("stop"),
      result: Promise.all([exited, output]).then(([[code, signal], [stdout, stderr]]) => ({
        code,
        signal,
        stdout,
        stderr,
      })),
    };
  }

  close(): Promise<void> {
    return this.#processes.close();
  }
}

async function textOf(stream: Readable): Promise<string> {
  let text = "";
  for await (const chunk of stream.setEncoding("utf8")) text += chunk;
  return text;
}

/**
 * Starts a process that runs the text of an ES module, with no channel to this one that could keep it alive. Its imports
 * are relative to the repository and end in `.js`, because the tests may run transpiled.
 */
export function startModule(
  source: string,
  ending: Pick<SpawnOptions, "timeout" | "killSignal"> = {},
): ChildProcessByStdio<null, Readable, Readable> {
  return spawn(process.execPath, [...process.execArgv, "--input-type=module", "--eval", source], {
    ...ending,
    cwd: new URL("../..", import.meta.url),
    stdio: ["ignore", "pipe", "pipe"],
  });
}

/** Runs the text of an ES module to its end: see {@link startModule}. Killed after 20 s. */
export async function runScript(source: string): Promise<ScriptResult> {
  const child = startModule(source, { timeout: 20_000, killSignal: "SIGKILL" });
  const [[code, signal], stdout, stderr] = await Promise.all([
    once(child, "close") as BackendProcess["exited"],
    textOf(child.stdout),
    textOf(child.stderr),
  ]);
  return { code, signal, stdout, stderr };
}
