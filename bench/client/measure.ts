import { monitorEventLoopDelay } from "node:perf_hooks";
import { getHeapStatistics } from "node:v8";
import type { Load } from "../loads.ts";
import { quantile, spreadOf } from "../statistics.ts";
import type { Peer } from "./peer.ts";
import type { MeasureCommand, Measurement } from "./task.ts";

const loopDelayResolutionMs = 10;
const megabyte = 1_048_576;

/** Keeps `concurrency` operations under way until the time is over, and says what they cost this process. */
export async function measure(peer: Peer, load: Load, command: MeasureCommand): Promise<Measurement> {
  const latenciesMs: number[] = [];
  const loopDelay = monitorEventLoopDelay({ resolution: loopDelayResolutionMs });
  loopDelay.enable();
  const startedMs = performance.now();
  const untilMs = startedMs + command.durationMs;
  const cpuBefore = process.cpuUsage();
  const isWarm = ({ operations, cpuMs, limitMs }: NonNullable<MeasureCommand["atLeast"]>, nowMs: number) =>
    (latenciesMs.length >= operations && cpuMicros(cpuBefore) >= 1_000 * cpuMs) || nowMs >= startedMs + limitMs;
  const isOver = (nowMs: number) =>
    nowMs >= untilMs && (command.atLeast === undefined || isWarm(command.atLeast, nowMs));
  const lane = async () => {
    for (let beganMs = startedMs; ; ) {
      await peer.run();
      const nowMs = performance.now();
      latenciesMs.push(nowMs - beganMs);
      if (isOver(nowMs)) return;
      beganMs = nowMs;
    }
  };
  await Promise.all(Array.from({ length: load.concurrency }, lane));
  const micros = cpuMicros(cpuBefore);
  const wallMs = performance.now() - startedMs;
  loopDelay.disable();
  const rssMiB = process.memoryUsage.rss() / megabyte;
  const heapBytes = command.probeHeap ? await heapBytesPerOperation(peer, load) : undefined;
  latenciesMs.sort((a, b) => a - b);
  return {
    operations: latenciesMs.length,
    wallMs,
    cpuMicros: micros,
    p50Ms: quantile(latenciesMs, 0.5),
    p99Ms: quantile(latenciesMs, 0.99),
    rssMiB,
    // The histogram holds the timer's whole interval: what is above its resolution is the delay.
    loopDelayP99Ms: Math.max(0, loopDelay.percentile(99) / 1e6 - loopDelayResolutionMs),
    ...(heapBytes === undefined ? {} : { heapBytesPerOperation: heapBytes }),
  };
}

function cpuMicros(since: NodeJS.CpuUsage): number {
  const { user, system } = process.cpuUsage(since);
  return user + system;
}

const heapSlices = 41;
/** Large messages fill fewer slices. */
const heapProbeMs = 300;
/** Few enough operations that most slices fit between two collections. */
const operationsPerSlice = 8;

/**
 * Heap allocated by one operation: growth over many short slices. A slice in which the garbage collector ran shrank;
 * the median of those that grew is free of it. Undefined where all shrank.
 */
async function heapBytesPerOperation(peer: Peer, load: Load): Promise<number | undefined> {
  const growth: number[] = [];
  const concurrency = Math.min(load.concurrency, operationsPerSlice);
  const untilMs = performance.now() + heapProbeMs;
  for (let slice = 0; slice < heapSlices && performance.now() < untilMs; slice++) {
    const before = getHeapStatistics().used_heap_size;
    await Promise.all(Array.from({ length: concurrency }, () => peer.run()));
    const grown = getHeapStatistics().used_heap_size - before;
    if (grown > 0) growth.push(grown / concurrency);
  }
  return spreadOf(growth)?.median;
}
