import { fork } from "node:child_process";
import { fileURLToPath } from "node:url";
import { confirmMaxMs } from "./fuzzer.ts";
import type { Stretch, StretchResult } from "./stretch.ts";

/** What a run is. */
export interface Campaign extends Pick<Stretch, "engine" | "seed" | "seconds"> {
  /** No more cases than that. */
  readonly cases: number;
  readonly onResult: (result: StretchResult) => void;
  /** A stretch ended with the whole process, by an abort within Node. */
  readonly onAbort: (stretch: Stretch, assertion: string) => void;
  /** It ended so by what is no fault of Node's: an exception that nobody caught, or a loop without end. */
  readonly onCrash: (stretch: Stretch, why: string) => void;
}

/** A process lives that long: node:http2 can abort it, and then what it found is lost. The own engine cannot. */
const stretchCases = { both: 2_000, wire: 10_000_000 };

const program = fileURLToPath(new URL("stretch-process.ts", import.meta.url));

/** A process is ended so long after its time: what it found takes a while to be confirmed and made small. */
const overtimeMs = confirmMaxMs + 3_000;

/**
 * Runs a campaign in child processes, one after another, and is over {@link overtimeMs} after its time at the latest.
 * node:http2 of Node 20 to 24 can be brought to abort its process by what a server sends (`Assertion failed:
 * (current_nghttp2_memory_) == (0)`, when a session is collected): its stretch is tried again in halves.
 */
export async function runCampaign(campaign: Campaign): Promise<void> {
  const { engine, seed, seconds, cases, onResult, onAbort, onCrash } = campaign;
  const endMs = performance.now() + seconds * 1_000;
  for (let from = 0, length = stretchCases[engine]; from < cases; ) {
    const leftMs = endMs - performance.now();
    if (leftMs <= 0) return;
    const stretch = { engine, seed, from, cases: Math.min(length, cases - from), seconds: leftMs / 1_000 };
    const ended = await runChild(stretch, leftMs + overtimeMs);
    if ("result" in ended) {
      onResult(ended.result);
      from += ended.result.cases;
      length = stretchCases[engine];
    } else if (ended.isNodes && engine === "both") {
      onAbort(stretch, ended.why);
      // What cannot be got through in small pieces either is left out.
      if (length > 100) length = Math.ceil(length / 2);
      else from += length;
    } else {
      onCrash(stretch, ended.why);
      return;
    }
  }
}

/** What a child sent, or how it died. */
type Ended = { readonly result: StretchResult } | { readonly why: string; readonly isNodes: boolean };

function runChild(stretch: Stretch, mostMs: number): Promise<Ended> {
  return new Promise((resolve) => {
    const child = fork(program, [JSON.stringify(stretch)], {
      stdio: ["ignore", "inherit", "pipe", "ipc"],
    });
    let result: StretchResult | undefined;
    let stderr = "";
    let isLate = false;
    const timer = setTimeout(() => {
      isLate = true;
      child.kill("SIGKILL");
    }, mostMs);
    child.stderr?.on("data", (text: Buffer) => {
      stderr += text.toString();
    });
    child.on("message", (message) => {
      result = message as StretchResult;
    });
    child.on("close", (code, signal) => {
      clearTimeout(timer);
      if (result !== undefined) resolve({ result });
      else resolve({ why: whyDead(code, signal, stderr, isLate), isNodes: isAbortOfNode(signal, stderr) });
    });
  });
}

/** Only C++ aborts, and of that the engines use no more than what is behind node:http2. */
function isAbortOfNode(signal: string | null, stderr: string): boolean {
  return signal === "SIGABRT" && /Assertion failed:.*nghttp2|node_http2\.cc/.test(stderr);
}

function whyDead(code: number | null, signal: string | null, stderr: string, isLate: boolean): string {
  if (isLate) return "it did not end, and was killed";
  const assertion = /Assertion failed: .*/.exec(stderr)?.[0];
  return assertion ?? `${signal ?? `exit code ${code}`} ${stderr.slice(-2_000)}`;
}
