import type { Arrivals } from "../arrivals.ts";
import type { Load, PeerName } from "../loads.ts";

/** What one client process does: its argument, as JSON. */
export interface Task {
  readonly peer: PeerName;
  readonly load: Load;
  /** `host:port` of each backend. */
  readonly backends: readonly string[];
  /** PEM of the servers' certificate, where the load is over TLS. */
  readonly certificate: string | undefined;
}

/** A line on a client's standard input: measure for so long. */
export interface MeasureCommand {
  readonly durationMs: number;
  /**
   * A warm-up goes on until so many operations were made and so much CPU was used, but not beyond `limitMs`: compilers count
   * calls, and need time of their own, which others may leave them little of. Clients in Go have nothing to compile.
   */
  readonly atLeast?: { readonly operations: number; readonly cpuMs: number; readonly limitMs: number };
  /** Also look at heap allocation: costs time after the window. */
  readonly probeHeap: boolean;
}

/** Another: make calls when they are due, and answer with the BucketCounts of their times. */
export type OpenLoopCommand = Arrivals;

/** A line on a client's standard output: one window. Undefined where a peer cannot tell. */
export interface Measurement {
  readonly operations: number;
  readonly wallMs: number;
  /** User and system time of the whole client process. */
  readonly cpuMicros: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly rssMiB: number;
  readonly loopDelayP99Ms?: number;
  readonly heapBytesPerOperation?: number;
}
