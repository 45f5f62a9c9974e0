import { type ChildProcess, execFileSync } from "node:child_process";
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import type { Readable } from "node:stream";
import { text } from "node:stream/consumers";
import { hasGo } from "../../support/go-tools.ts";
import { freePort, Programs } from "../../support/programs.ts";
import { grpcioPython } from "../interop/servers.ts";
import type { ChaosBackend } from "./backends.ts";
import type { BackendKind, PlannedBackend } from "./plan.ts";

const root = join(import.meta.dirname, "../../..");
const cache = join(root, ".cache");
const descriptorSet = join(cache, "echo.binpb");
const goServer = join(cache, "go/chaos-server");

/** Builds and installs the servers in other languages. Returns which cannot run here, and why. */
export function missingPrograms(): ReadonlyMap<BackendKind, string> {
  const missing = new Map<BackendKind, string>();
  mkdirSync(join(cache, "go"), { recursive: true });
  const buf = join(root, "node_modules/.bin/buf");
  execFileSync(buf, ["build", "proto", "--path", "proto/glink/demo", "-o", descriptorSet], { cwd: root });
  if (!hasGo()) missing.set("grpc-go", "Go is not installed");
  else
    execFileSync("go", ["build", "-o", goServer, "."], { cwd: join(import.meta.dirname, "server"), stdio: "inherit" });
  const python = grpcioPython();
  if ("missing" in python) missing.set("c-core", python.missing);
  return missing;
}

/** A server in a process of its own: grpc-go, or C-core by Python. */
export async function startProgram(kind: "grpc-go" | "c-core", planned: PlannedBackend): Promise<ChaosBackend> {
  const backend = new ProgramBackend(kind, planned);
  await backend.start();
  return backend;
}

/** A server's process, listened to from its start: one may end at any time. */
interface Running {
  readonly child: ChildProcess;
  /** What it printed until its end; nothing, where it was killed. */
  readonly output: Promise<string>;
  /** Its counts are known: of two who end it, one reads them. */
  isCounted: boolean;
}

class ProgramBackend implements ChaosBackend {
  readonly #kind: "grpc-go" | "c-core";
  readonly #planned: PlannedBackend;
  readonly #programs = new Programs();
  readonly #executions = new Map<string, number>();
  #running: Running | undefined;
  port: number | undefined;

  constructor(kind: "grpc-go" | "c-core", planned: PlannedBackend) {
    this.#kind = kind;
    this.#planned = planned;
  }

  async start(): Promise<void> {
    const port = await freePort();
    const { ageMs = 0, maxStreams = 0 } = this.#planned;
    const limits = ["-age", `${ageMs}ms`, "-streams", String(maxStreams)];
    const [program, args] =
      this.#kind === "grpc-go"
        ? [goServer, ["-address", `127.0.0.1:${port}`, "-descriptors", descriptorSet, ...limits]]
        : [pythonPath(), [join(import.meta.dirname, "server.py"), descriptorSet, String(port)]];
    const child = await this.#programs.start(program, args, port);
    this.#running = { child, output: text(child.stdout as Readable).catch(() => ""), isCounted: false };
    this.port = port;
  }

  /** A successor first, as a rolling update has it. */
  async drain(): Promise<void> {
    const former = this.#running;
    await this.start();
    if (former !== undefined) await this.#end(former);
  }

  async kill(): Promise<void> {
    this.#running?.child.kill("SIGKILL");
    this.#running = undefined;
    this.port = undefined;
  }

  stop(): void {
    this.#running?.child.kill("SIGSTOP");
  }

  resume(): void {
    this.#running?.child.kill("SIGCONT");
  }

  async heal(): Promise<void> {
    this.resume();
    if (this.#running === undefined) await this.start();
  }

  /** What it counted it tells when it ends. */
  async executions(): Promise<ReadonlyMap<string, number>> {
    if (this.#running !== undefined) await this.#end(this.#running);
    this.#running = undefined;
    return this.#executions;
  }

  close(): Promise<void> {
    return this.#programs.close();
  }

  async #end(running: Running): Promise<void> {
    const { child, output } = running;
    child.kill("SIGTERM");
    // It may be stopped: another action's resume is for its successor.
    child.kill("SIGCONT");
    const counts = Object.entries(JSON.parse((await output) || "{}") as Record<string, number>);
    if (running.isCounted) return;
    running.isCounted = true;
    for (const [requestId, times] of counts) {
      this.#executions.set(requestId, (this.#executions.get(requestId) ?? 0) + times);
    }
  }
}

function pythonPath(): string {
  const python = grpcioPython();
  if ("missing" in python) throw new Error(python.missing);
  return python.path;
}
