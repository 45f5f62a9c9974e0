import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { root } from "./build.ts";
import type { Loading } from "./module-load.ts";

// Benchmarks that are programs of their own, as a report runs them.

const run = promisify(execFile);

/** A line of `npm run bench:scale -- --json`: of a client with so many backends, or of so many idle transports. */
export interface ScaleRow extends Readonly<Partial<Record<ScaleFigure, number>>> {
  readonly peer?: "glink" | "grpc-js" | "sockets";
  readonly backends?: number;
  readonly targets?: number;
  /** Of `targets`: their hosts are names, which are looked up again and again, and not addresses. */
  readonly named?: boolean;
  readonly tls: boolean;
}

export const churns = ["sameAnswer", "halfLeave", "rotation"] as const;
export type Churn = (typeof churns)[number];
type Phase = "calm" | Churn;

/** Those of its figures that are told. */
type ScaleFigure =
  | "firstCallMs"
  | "allReadyMs"
  | "connectCpuMs"
  | "bytesPerBackend"
  | `${"connect" | "close" | Phase}TurnCpuMs`
  | `${Phase}P99Ms`
  | `${Churn | "control"}P99OfCalm`
  | "bytesPerTarget"
  | "wakeUpsPerSecond"
  | "cpuMsPerSecond";

/** What a report measures of it: a minute or two. */
const scaleArguments = [
  "--backends",
  "1000,10000",
  "--peers",
  "grpc-js,glink",
  "--targets",
  "50,500",
  "--idle",
  "60",
] as const;

export async function measureScale(): Promise<ScaleRow[]> {
  const output = await program("bench/scale/main.ts", ...scaleArguments, "--json");
  return output.map((line) => JSON.parse(line) as ScaleRow);
}

/** Of the package as it is built now. */
export async function measureLoading(): Promise<Loading> {
  await run(process.execPath, ["scripts/build.mjs"], { cwd: root });
  const [line = ""] = await program("bench/module-load.ts", "--json");
  return JSON.parse(line) as Loading;
}

/** The lines that it writes. */
async function program(path: string, ...args: string[]): Promise<string[]> {
  const { stdout } = await run(process.execPath, ["--import", "tsx", path, ...args], { cwd: root });
  return stdout.trim().split("\n");
}
