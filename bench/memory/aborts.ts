import { getEventListeners } from "node:events";
import { Code, ConnectError, createClient } from "@connectrpc/connect";
import { EchoService } from "../../proto/gen/glink/demo/v1/echo_pb.js";
import { glinkTransport, staticResolver } from "../../src/index.ts";
import { heapInUse } from "./heap.ts";
import { kib, type Verdict } from "./verdict.ts";

const calls = 20_000;
const warmUpCalls = 2_000;
const concurrency = 64;
const lastCalls = 100;
const allowedGrowthBytes = 1_048_576;

/**
 * Calls whose signal outlives them all: half are answered, a quarter ends at its deadline, a quarter by an abort of a
 * signal of its own that follows the long-lived one. At last the long-lived signal aborts what is still open.
 */
export async function noListenersLeft(answering: readonly string[], silent: readonly string[]): Promise<Verdict[]> {
  const fast = glinkTransport({ baseUrl: "http://localhost:1", resolver: staticResolver([...answering]) });
  const slow = glinkTransport({ baseUrl: "http://localhost:1", resolver: staticResolver([...silent]) });
  const answered = createClient(EchoService, fast);
  const unanswered = createClient(EchoService, slow);
  const shutdown = new AbortController();
  const { signal } = shutdown;
  const request = { text: "x" };
  const kinds: readonly (() => Promise<unknown>)[] = [
    () => answered.unary(request, { signal, timeoutMs: 60_000 }),
    () => endsWith(Code.DeadlineExceeded, unanswered.unary(request, { signal, timeoutMs: 5 })),
    () => answered.unary(request, { signal, timeoutMs: 60_000 }),
    () => {
      const own = new AbortController();
      setTimeout(() => own.abort(), 5);
      return endsWith(Code.Canceled, unanswered.unary(request, { signal: AbortSignal.any([signal, own.signal]) }));
    },
  ];
  const make = (count: number) => {
    let left = count;
    const lane = async () => {
      while (left-- > 0) await kinds[left % kinds.length]?.();
    };
    return Promise.all(Array.from({ length: concurrency }, lane));
  };
  await make(warmUpCalls);
  const before = await heapInUse();
  await make(calls);
  const grown = (await heapInUse()) - before;
  const left = getEventListeners(signal, "abort").length;
  const open = Array.from({ length: lastCalls }, () => endsWith(Code.Canceled, unanswered.unary(request, { signal })));
  shutdown.abort();
  await Promise.all(open);
  const leftAfterAbort = getEventListeners(signal, "abort").length;
  await Promise.all([fast.close(), slow.close()]);
  return [
    {
      claim: `heap flat over ${calls} calls with deadlines and aborts on one long-lived signal`,
      found: `${kib(grown)} more (${(grown / calls).toFixed(2)} bytes a call)`,
      holds: grown <= allowedGrowthBytes,
    },
    {
      claim: "0 listeners left on the signal, before and after its abort",
      found: `${left} and ${leftAfterAbort}`,
      holds: left === 0 && leftAfterAbort === 0,
    },
  ];
}

async function endsWith(code: Code, call: Promise<unknown>): Promise<void> {
  try {
    await call;
  } catch (error) {
    if (ConnectError.from(error).code === code) return;
    throw error;
  }
  throw new Error(`a call was answered that should have ended with ${Code[code]}`);
}
