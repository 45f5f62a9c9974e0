import { createHistogram, type RecordableHistogram } from "node:perf_hooks";
import { setTimeout as sleep } from "node:timers/promises";
import { createClient } from "@connectrpc/connect";
import { EchoService } from "../../proto/gen/glink/demo/v1/echo_pb.js";
import { type GlinkTransport, glinkTransport, type ResolverListener } from "../../src/index.ts";
import { addressesOf } from "./addresses.ts";
import { heapInUse } from "./heap.ts";
import { kib, type Verdict } from "./verdict.ts";

const rotations = 200;
const backends = 100;
/** Backends that leave, and as many that come, with each rotation. */
const replaced = 5;
const intervalMs = 50;
/** Rotations and calm take turns, so that what else the machine does hits both. */
const rotationsPerPhase = 20;
const concurrency = 16;
const p99Limit = 1.5;
const allowedGrowthBytes = 2_097_152;
const nanosecondsPerMs = 1_000_000;

/** 200 changes of a pool of 100 under load: the heap stays, nothing is left draining, and calls hardly notice. */
export async function rotationsUnderLoad(port: number): Promise<Verdict[]> {
  let listener: ResolverListener | undefined;
  let first = 0;
  const transport = glinkTransport({
    baseUrl: "http://localhost:1",
    resolver: {
      name: "rotating",
      watch: (_, given) => {
        listener = given;
        listener.onAddresses(addressesOf(first, backends, port));
        return { refresh: () => undefined, close: () => undefined };
      },
    },
  });
  const rotate = () => {
    first += replaced;
    listener?.onAddresses(addressesOf(first, backends, port));
  };
  await settled(transport);
  const load = new Load(transport);
  // Of a fixed size: half a million latencies in lists would be most of what the heap grows by.
  const [calm, rotating] = [createHistogram(), createHistogram()];
  await load.during(createHistogram(), () => sleep(rotationsPerPhase * intervalMs));
  const before = await heapInUse();
  for (let phase = 0; phase < rotations / rotationsPerPhase; phase++) {
    await load.during(calm, () => sleep(rotationsPerPhase * intervalMs));
    await load.during(rotating, async () => {
      for (let i = 0; i < rotationsPerPhase; i++) {
        rotate();
        await sleep(intervalMs);
      }
    });
  }
  await settled(transport);
  const grown = (await heapInUse()) - before;
  const { draining, subchannels } = transport.snapshot();
  await transport.close();
  const ratio = rotating.percentile(99) / calm.percentile(99);
  return [
    {
      claim: `heap flat over ${rotations} rotations of a pool of ${backends}, ${replaced} replaced each time`,
      found: `${kib(grown)} more; ${subchannels.length} subchannels, ${draining.length} draining`,
      holds: grown <= allowedGrowthBytes && draining.length === 0 && subchannels.length === backends,
    },
    {
      claim: `p99 while rotating <= ${p99Limit} x p99 without`,
      found: `${p99Text(rotating)}, ${p99Text(calm)}: ${ratio.toFixed(2)} x`,
      holds: ratio <= p99Limit,
    },
  ];
}

/** Calls without a pause, while something else goes on. */
class Load {
  readonly #client;

  constructor(transport: GlinkTransport) {
    this.#client = createClient(EchoService, transport);
  }

  /** Makes calls until `event` is over, and records how long each took. */
  async during(latencies: RecordableHistogram, event: () => Promise<void>): Promise<void> {
    let over = false;
    const lane = async () => {
      while (!over) {
        const beganMs = performance.now();
        await this.#client.unary({ text: "x" });
        latencies.record(Math.ceil((performance.now() - beganMs) * nanosecondsPerMs));
      }
    };
    const lanes = Promise.all(Array.from({ length: concurrency }, lane));
    await event();
    over = true;
    await lanes;
  }
}

/** Every backend is connected and no elder connection is left. */
async function settled(transport: GlinkTransport): Promise<void> {
  await transport.ready();
  for (;;) {
    const { subchannels, draining } = transport.snapshot();
    if (draining.length === 0 && subchannels.every(({ state }) => state === "ready")) return;
    await sleep(20);
  }
}

function p99Text(latencies: RecordableHistogram): string {
  return `${(latencies.percentile(99) / nanosecondsPerMs).toFixed(2)} ms of ${latencies.count} calls`;
}
