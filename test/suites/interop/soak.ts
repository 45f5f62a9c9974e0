import assert from "node:assert/strict";
import type { GlinkTransport } from "../../../src/index.ts";
import { heapInUseMb } from "../../support/heap.ts";
import { largeUnary } from "./cases.ts";
import type { InteropServices } from "./messages.ts";

/** As gRPC's description of the soak tests has it: an iteration that takes longer has failed. */
const maxIterationMs = 1_000;

const iterations = 1_000;

/** What a soak test came to. */
export interface SoakResult {
  readonly iterations: number;
  readonly failures: readonly string[];
  readonly medianMs: number;
  readonly slowestMs: number;
  /** Heap after a collection at each quarter of the run, in MB. */
  readonly heapMb: readonly number[];
}

/** The same large call, again and again, on one channel. */
export async function rpcSoak(services: InteropServices, connect: () => GlinkTransport): Promise<SoakResult> {
  const transport = connect();
  try {
    return await soak(() => largeUnary(services.testClient(transport), { timeoutMs: 10_000 }));
  } finally {
    await transport.close();
  }
}

/** The same large call, each on a channel of its own. */
export function channelSoak(services: InteropServices, connect: () => GlinkTransport): Promise<SoakResult> {
  return soak(async () => {
    const transport = connect();
    try {
      await largeUnary(services.testClient(transport), { timeoutMs: 10_000 });
    } finally {
      await transport.close();
    }
  });
}

async function soak(iteration: () => Promise<void>): Promise<SoakResult> {
  const failures: string[] = [];
  const durationsMs: number[] = [];
  const heapMb: number[] = [];
  for (let count = 1; count <= iterations; count++) {
    const begunMs = performance.now();
    try {
      await iteration();
      const durationMs = performance.now() - begunMs;
      durationsMs.push(durationMs);
      if (durationMs > maxIterationMs) failures.push(`iteration ${count} took ${durationMs.toFixed(0)} ms`);
    } catch (error) {
      failures.push(`iteration ${count}: ${error}`);
    }
    if (count % (iterations / 4) === 0) heapMb.push(await heapInUseMb());
  }
  durationsMs.sort((a, b) => a - b);
  return {
    iterations,
    failures,
    medianMs: durationsMs[durationsMs.length >> 1] ?? Number.NaN,
    slowestMs: durationsMs.at(-1) ?? Number.NaN,
    heapMb,
  };
}

/** Throws unless no iteration failed and the last three samples of the heap are within 5 % or 1 MB. */
export function checkSoak({ failures, heapMb }: SoakResult): void {
  assert.deepEqual(failures.slice(0, 5), []);
  const settled = heapMb.slice(1);
  const smallest = Math.min(...settled);
  const growthMb = Math.max(...settled) - smallest;
  assert.ok(growthMb <= Math.max(1, smallest * 0.05), `the heap is not flat: ${heapMb.join(", ")} MB`);
}
