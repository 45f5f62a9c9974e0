import { fork } from "node:child_process";
import { join } from "node:path";
import type { Stretch, StretchResult } from "./stretch.ts";

/** What a run is. */
export interface Campaign extends Pick<Stretch, "engine" | "seed" | "seconds"> {
  /** No more cases than that. */
  readonly cases: number;
  readonly onResult: (result: StretchResult) => void;
  /** A stretch ended with the whole process, by an abort within Node. */
  readonly onAbort: (stretch: Stretch, assertion: string) => void;
}

/** A process lives that long: node:http2 can abort it, and then what it found is lost. The own engine cannot. */
const stretchCases = { both: 2_000, wire: 10_000_000 };

/**
 * Runs a campaign in child processes, one after another. node:http2 of Node 20 to 24 can be brought to abort its process
 * by what a server sends (`Assertion failed: (current_nghttp2_memory_) == (0)`): its stretch is tried again in halves.
 */
export async function runCampaign({ engine, seed, seconds, cases, onResult, onAbort }: Campaign): Promise<void> {
  const endMs = performance.now() + seconds * 1_000;
  for (let from = 0, length = stretchCases[engine]; from < cases; ) {
    const leftSeconds = (endMs - performance.now()) / 1_000;
    if (leftSeconds <= 0) return;
    const stretch = { engine, seed, from, cases: Math.min(length, cases - from), seconds: leftSeconds };
    const ended = await runChild(stretch);
    if (ended.result !== undefined) {
      onResult(ended.result);
      from += ended.result.cases;
      length = stretchCases[engine];
    } else {
      onAbort(stretch, ended.assertion);
      if (engine === "wire" || !ended.assertion.includes("nghttp2"))
        throw new Error(`a fuzzing process died: ${ended.assertion}`);
      // What cannot be got through in small pieces either is left out.
      if (length > 100) length = Math.ceil(length / 2);
      else from += length;
    }
  }
}

function runChild(
  stretch: Stretch,
): Promise<{ readonly result: StretchResult | undefined; readonly assertion: string }> {
  return new Promise((resolve) => {
    const child = fork(join(import.meta.dirname, "stretch.ts"), [JSON.stringify(stretch)], {
      execArgv: ["--import", "tsx"],
      stdio: ["ignore", "inherit", "pipe", "ipc"],
    });
    let result: StretchResult | undefined;
    let stderr = "";
    child.stderr?.on("data", (text: Buffer) => {
      stderr += text.toString();
    });
    child.on("message", (message) => {
      result = message as StretchResult;
    });
    child.on("close", (code, signal) => {
      const assertion =
        /Assertion failed: .*/.exec(stderr)?.[0] ?? `${signal ?? `exit code ${code}`} ${stderr.slice(-2_000)}`;
      resolve({ result, assertion });
    });
  });
}
