import { fork } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { buildSync } from "esbuild";
import { fleetLists } from "../../support/fleet.ts";
import { readyEndpoint } from "../../support/slices.ts";
import { admin } from "./components.ts";
import { note } from "./figures.ts";
import { createService, port, slicesPath } from "./pods.ts";
import type { WatcherReport } from "./watcher.ts";

/** A slice that the controller leaves alone, of endpoints that nobody is. */
function sliceOf(service: string, index: number, endpoints: readonly object[]): object {
  const labels = { "kubernetes.io/service-name": service, "endpointslice.kubernetes.io/managed-by": "glink-test" };
  const metadata = { name: `${service}-${index}`, labels };
  return { metadata, addressType: "IPv4", ports: [{ name: "grpc", port, protocol: "TCP" }], endpoints };
}

function endpointsOf(index: number, count: number, ready = (_: number) => true): object[] {
  return Array.from({ length: count }, (_, i) =>
    readyEndpoint(`10.${100 + Math.floor(index / 250)}.${index % 250}.${i + 1}`, {
      conditions: { ready: ready(i), serving: ready(i), terminating: false },
      zone: i % 2 === 0 ? "za" : "zb",
    }),
  );
}

/**
 * A process with a resolver and nothing else, whose costs are then those of the resolver: built as the package is, because what
 * tsx adds to each function is a fifth of them.
 */
class Watcher {
  readonly #folder = mkdtempSync(join(tmpdir(), "glink-watcher-"));
  readonly #child = fork(this.#build(), { execArgv: ["--expose-gc"] });

  async ask(service: string): Promise<WatcherReport> {
    this.#child.send(service);
    const [report] = await once(this.#child, "message");
    return report as WatcherReport;
  }

  async untilCount(service: string, count: number): Promise<void> {
    for (let i = 0; i < 400; i++) {
      if ((await this.ask(service)).endpoints === count) return;
      await sleep(50);
    }
    throw new Error(`${service} never had ${count} endpoints`);
  }

  close(): void {
    this.#child.kill();
    rmSync(this.#folder, { recursive: true });
  }

  #build(): string {
    const outfile = join(this.#folder, "watcher.mjs");
    const entryPoints = [join(import.meta.dirname, "watcher.ts")];
    buildSync({ entryPoints, outfile, bundle: true, platform: "node", format: "esm", logLevel: "error" });
    return outfile;
  }
}

/** 300 slices of one Service. */
export async function manySlices(): Promise<void> {
  await createService("many", { selector: null });
  for (let i = 0; i < 300; i++) await admin("POST", slicesPath, sliceOf("many", i, endpointsOf(i, 10)));
  const watcher = new Watcher();
  const startedMs = performance.now();
  await watcher.untilCount("many", 3_000);
  note("300 slices with 3 000 endpoints are known after", performance.now() - startedMs, 5_000, "ms");
  await admin(
    "PUT",
    `${slicesPath}/many-7`,
    sliceOf(
      "many",
      7,
      endpointsOf(7, 10, (i) => i > 0),
    ),
  );
  const changedMs = performance.now();
  await watcher.untilCount("many", 2_999);
  note("a change of one of them is known after", performance.now() - changedMs, 500, "ms");
  watcher.close();
}

/** 1 000 endpoints in 10 slices, 50 changes a second. */
export async function steadyChanges(durationMs: number): Promise<void> {
  await createService("steady", { selector: null });
  for (let i = 0; i < 10; i++) await admin("POST", slicesPath, sliceOf("steady", i, endpointsOf(i, 100)));
  const watcher = new Watcher();
  await watcher.untilCount("steady", 1_000);
  let changes = 0;
  const change = async () => {
    const index = changes++ % 10;
    const away = Math.floor(changes / 10) % 100;
    await admin(
      "PUT",
      `${slicesPath}/steady-${index}`,
      sliceOf(
        "steady",
        index,
        endpointsOf(index, 100, (i) => i !== away),
      ),
    );
  };
  const run = async (ms: number) => {
    const startedMs = performance.now();
    const before = changes;
    while (performance.now() - startedMs < ms) {
      await change();
      await sleep(Math.max(0, startedMs + (changes - before) * 20 - performance.now()));
    }
  };
  await run(3_000);
  const before = await watcher.ask("steady");
  const beforeChanges = changes;
  await run(durationMs);
  const after = await watcher.ask("steady");
  const seconds = (after.atMs - before.atMs) / 1_000;
  console.log(
    `     ${((changes - beforeChanges) / seconds).toFixed(0)} changes/s, ${after.lists - before.lists} lists`,
  );
  note(
    "1 000 endpoints, 50 changes/s: CPU of a process with the resolver",
    (after.cpuMs - before.cpuMs) / seconds / 10,
    5,
    "% of a core",
  );
  note("and growth of its heap", Math.max(0, after.heapBytes - before.heapBytes) / 2 ** 20, 2, "MiB");
  watcher.close();
}

/** 10 000 clients without a socket, on a clock that is turned: it has nothing of the cluster, and belongs into the table. */
export async function fleet(): Promise<void> {
  const size = 10_000;
  // No timer of a resolver keeps a process alive.
  const alive = setInterval(() => undefined, 1_000);
  const { start, back, watches } = await fleetLists(size, 30_000);
  clearInterval(alive);
  const share = (count: number) => (count / size) * 100;
  note(
    "10 000 clients start together, startSpreadMs 30 000: lists in the worst second",
    share(start.worstSecond),
    5,
    "%",
  );
  note("their server is back without its history: lists in the worst second", share(back.worstSecond), 5, "%");
  note("of them do not watch again", size - watches, 0, "clients");
}
