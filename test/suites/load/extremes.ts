import { setTimeout as sleep } from "node:timers/promises";
import { Code, ConnectError, createClient } from "@connectrpc/connect";
import { EchoService } from "../../../proto/gen/glink/demo/v1/echo_pb.js";
import { glinkTransport, staticResolver } from "../../../src/index.ts";
import type { EngineName } from "../../support/engines.ts";
import { heapInUseMb } from "../../support/heap.ts";
import type { TestProcesses } from "../../support/processes.ts";

/** More than enough on any machine: what takes longer has hung. */
const timeoutMs = 120_000;
const abortsPerSecond = 3_000;
const abortSeconds = 3;
/** What was made once was made before the sequence: one leaked object for each of its 50 000 calls is 5. */
const maxGrowthMb = 3;

/** What the largest numbers of calls come to, on three Node servers: in words, what failed. */
export async function runExtremes(engine: EngineName, processes: TestProcesses, sequence: number): Promise<string[]> {
  const backends = await processes.backends(3, 20);
  const transport = glinkTransport({
    http2: engine,
    baseUrl: "http://echo.test",
    resolver: staticResolver(backends.map(({ address }) => address)),
    maxQueuedCalls: Number.POSITIVE_INFINITY,
  });
  const client = createClient(EchoService, transport);
  const wrong: string[] = [];
  const measure = async (what: string, run: () => Promise<readonly unknown[]>) => {
    const beganMs = performance.now();
    const errors = await run();
    const seconds = ((performance.now() - beganMs) / 1_000).toFixed(1);
    console.log(`load, ${engine} engine, ${what}: ${errors.length} failed, ${seconds} s`);
    wrong.push(...errors.slice(0, 3).map((error) => `${what}: ${error}`));
  };
  const unary = () => client.unary({ text: "extreme" }, { timeoutMs });
  try {
    await measure("10 000 unary calls at once", () => errorsOf(Array.from({ length: 10_000 }, unary)));
    await measure("100 times 100 streams", async () => {
      const errors: unknown[] = [];
      for (let round = 0; round < 100; round++) {
        errors.push(...(await errorsOf(Array.from({ length: 100 }, () => readStream(client)))));
      }
      return errors;
    });
    await measure(`${sequence} calls in sequence`, async () => {
      const errors: unknown[] = [];
      const heapBefore = await heapInUseMb();
      for (let call = 0; call < sequence; call++) errors.push(...(await errorsOf([unary()])));
      const heapAfter = await heapInUseMb();
      if (heapAfter - heapBefore > maxGrowthMb) errors.push(`the heap grew from ${heapBefore} to ${heapAfter} MB`);
      return errors;
    });
    await measure(`${abortsPerSecond} aborts a second, and bystanders`, () => abortsBesideBystanders(client));
    return wrong;
  } finally {
    await transport.close({ timeoutMs: 0 });
  }
}

async function errorsOf(calls: readonly Promise<unknown>[]): Promise<unknown[]> {
  const settled = await Promise.allSettled(calls);
  return settled.flatMap((one) => (one.status === "rejected" ? [one.reason] : []));
}

async function readStream(client: ReturnType<typeof createClient<typeof EchoService>>): Promise<void> {
  let expected = 0;
  for await (const { index } of client.serverStream({ count: 10 }, { timeoutMs })) {
    if (index !== expected++) throw new Error(`message ${index} came in the place of ${expected - 1}`);
  }
  if (expected !== 10) throw new Error(`${expected} messages of 10`);
}

/** Calls that their callers give up, at once or on the server, and others beside them, which must not notice. */
async function abortsBesideBystanders(client: ReturnType<typeof createClient<typeof EchoService>>): Promise<unknown[]> {
  const aborted: Promise<unknown>[] = [];
  const bystanders: Promise<unknown>[] = [];
  const beganMs = performance.now();
  while (aborted.length < abortsPerSecond * abortSeconds) {
    const due = ((performance.now() - beganMs) * abortsPerSecond) / 1_000;
    for (; aborted.length < due; ) {
      const controller = new AbortController();
      const call = client.unary(
        { text: "given up", behavior: { delayMs: 1_000 } },
        { signal: controller.signal, timeoutMs },
      );
      setTimeout(() => controller.abort(), aborted.length % 20);
      aborted.push(
        call.catch((error: unknown) => {
          if (!(error instanceof ConnectError && error.code === Code.Canceled)) throw error;
        }),
      );
    }
    bystanders.push(client.unary({ text: "bystander", behavior: { delayMs: 20 } }, { timeoutMs }));
    await sleep(5);
  }
  return [...(await errorsOf(bystanders)), ...(await errorsOf(aborted))];
}
