// A client in a process whose memory is limited, with one hostile and one good backend. It handles what its calls
// return, and no event of anything else; nothing tells it to exit.
import { readFileSync, writeFileSync } from "node:fs";
import { monitorEventLoopDelay } from "node:perf_hooks";
import { setTimeout as sleep } from "node:timers/promises";
import { Code, ConnectError, createClient, createContextValues } from "@connectrpc/connect";
import { EchoService } from "../../../proto/gen/glink/demo/v1/echo_pb.js";
import { type GlinkCallOptions, glinkCall, glinkTransport, staticResolver } from "../../../src/index.ts";
import type { ClientReport, FromClient, ToClient } from "./messages.ts";

const isLinux = process.platform === "linux";
const collectGarbage = globalThis.gc as () => void;

/** Calls are started at this pace, so that most of a flood falls on open calls. */
const paceMs = 3;
/** Fewer than the retry budget allows, so that every retry is free to succeed. */
const maxRetriedCalls = 40;
const maxOpenCalls = 200;
const warmUpCalls = 500;

/** Calls to two backends at once, until they are stopped. */
class Calls {
  readonly #good: string;
  readonly #transport;
  readonly #open = new Set<Promise<void>>();
  readonly #timer: NodeJS.Timeout;
  #started = 0;
  answered = 0;
  failureCount = 0;
  readonly bystanders: string[] = [];
  readonly failures: Record<string, string> = {};
  readonly afterRetries: Record<string, string> = {};

  constructor(addresses: readonly string[], good: string) {
    this.#good = good;
    const resolver = staticResolver(addresses);
    this.#transport = glinkTransport({ baseUrl: "http://echo.test", resolver, http2: "wire" });
    this.#timer = setInterval(() => {
      if (this.#open.size >= maxOpenCalls) return;
      // Every third, so that calls of both kinds meet both backends.
      if (this.#started++ % 3 > 0) this.#start({ retry: false });
      else if (this.#started < 3 * maxRetriedCalls) this.#start({});
    }, paceMs);
  }

  get openCalls(): number {
    return this.#transport.snapshot().openCalls;
  }

  async stop(): Promise<void> {
    clearInterval(this.#timer);
    await Promise.all(this.#open);
  }

  close(): Promise<void> {
    return this.#transport.close();
  }

  /** Calls one after another, until everything that calls need is compiled and allocated. */
  async warmUp(): Promise<void> {
    for (let i = 0; i < warmUpCalls; i++) await this.#call({});
  }

  #start(options: GlinkCallOptions): void {
    const call = this.#call(options).finally(() => this.#open.delete(call));
    this.#open.add(call);
  }

  async #call(options: GlinkCallOptions): Promise<void> {
    let address: string | undefined;
    const onAttempt: GlinkCallOptions["onAttempt"] = (attempt) => {
      address = attempt.address;
    };
    const contextValues = createContextValues().set(glinkCall, { ...options, onAttempt });
    try {
      await createClient(EchoService, this.#transport).unary({}, { contextValues, timeoutMs: 20_000 });
      this.answered++;
    } catch (reason) {
      const { code, rawMessage } = ConnectError.from(reason);
      if (options.retry !== false) {
        this.afterRetries[Code[code]] ??= rawMessage;
      } else if (address === undefined || address === this.#good) {
        this.bystanders.push(`${Code[code]}: ${rawMessage}`);
      } else {
        this.failureCount++;
        this.failures[Code[code]] ??= rawMessage;
      }
    }
  }
}

/** What the heap and its buffers hold, after everything that nobody holds is gone. */
async function heldBytes(): Promise<number> {
  for (let i = 0; i < 2; i++) {
    await sleep(10);
    collectGarbage();
  }
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}

/** proc(5): writing 5 makes VmHWM, the largest resident set, begin anew. */
function forgetPeak(): void {
  if (isLinux) writeFileSync("/proc/self/clear_refs", "5");
}

/** The largest resident set since {@link forgetPeak}; where there is no /proc, since the process began. */
function peakBytes(): number {
  if (!isLinux) return process.resourceUsage().maxRSS * 1_024;
  const [, kilobytes] = /VmHWM:\s+(\d+) kB/.exec(readFileSync("/proc/self/status", "utf8")) ?? [];
  return Number(kilobytes) * 1_024;
}

async function measured(hostile: string, good: string): Promise<ClientReport> {
  const heldBefore = await heldBytes();
  forgetPeak();
  const before = peakBytes();
  const delay = monitorEventLoopDelay({ resolution: 5 });
  delay.enable();
  const calls = new Calls([hostile, good], good);
  await messageOf("stop");
  await calls.stop();
  delay.disable();
  const { answered, bystanders, failures, failureCount, afterRetries, openCalls } = calls;
  const peakGrowthBytes = peakBytes() - before;
  await calls.close();
  const retainedBytes = (await heldBytes()) - heldBefore;
  const longestDelayMs = delay.max / 1e6;
  const seen = { answered, bystanders, failures, failureCount, afterRetries, openCalls };
  return { type: "report", ...seen, peakGrowthBytes, retainedBytes, longestDelayMs };
}

function messageOf<T extends ToClient["type"]>(type: T): Promise<Extract<ToClient, { type: T }>> {
  return new Promise((resolve) => {
    const onMessage = (message: ToClient) => {
      if (message.type !== type) return;
      process.off("message", onMessage);
      resolve(message as Extract<ToClient, { type: T }>);
    };
    process.on("message", onMessage);
  });
}

function tell(message: FromClient): void {
  process.send?.(message);
}

let warm = false;
process.on("message", async (message: ToClient) => {
  if (message.type === "leave") process.disconnect();
  if (message.type !== "start") return;
  const { hostile, good } = message;
  if (!warm) {
    warm = true;
    const calls = new Calls([good], good);
    await calls.warmUp();
    await calls.stop();
    await calls.close();
  }
  tell(await measured(hostile, good));
});
tell({ type: "listening" });
