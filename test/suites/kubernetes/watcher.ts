// A resolver in a process of its own. It tells of a Service whenever it is asked, and watches it from the first time on.

import { kubernetesResolver } from "../../../src/kubernetes/index.ts";
import { systemClock } from "../../../src/runtime/clock.ts";
import { systemHold } from "../../../src/runtime/process-hold.ts";
import { systemRandom } from "../../../src/runtime/random.ts";
import { namespace, port } from "./pods.ts";

export interface WatcherReport {
  readonly endpoints: number;
  /** Told so far. */
  readonly lists: number;
  readonly atMs: number;
  readonly cpuMs: number;
  readonly heapBytes: number;
}

const resolver = kubernetesResolver();
const runtime = { clock: systemClock(), random: systemRandom(), hold: systemHold() };
const seen = new Map<string, { endpoints: number; lists: number }>();

process.on("message", (service: string) => {
  let counts = seen.get(service);
  if (counts === undefined) {
    const known = { endpoints: 0, lists: 0 };
    counts = known;
    seen.set(service, known);
    resolver.watch(
      { host: `${service}.${namespace}`, port },
      {
        onResolution: ({ endpoints }) => {
          known.endpoints = endpoints.length;
          known.lists++;
        },
        onAddresses: () => undefined,
        onError: (error) => console.error(error),
      },
      runtime,
    );
  }
  globalThis.gc?.();
  const { user, system } = process.cpuUsage();
  process.send?.({
    ...counts,
    atMs: performance.now(),
    cpuMs: (user + system) / 1_000,
    heapBytes: process.memoryUsage().heapUsed,
  } satisfies WatcherReport);
});
