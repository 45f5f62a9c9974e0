import type { ApiResponse, ApiServer } from "../src/kubernetes/api-server.ts";
import { watchSlices } from "../src/kubernetes/cluster.ts";
import { ResolverObserver } from "../src/observe/resolver-observer.ts";
import { NameWatch } from "../src/pool/name-watch.ts";
import type { Resolver } from "../src/resolver/resolver.ts";
import { systemClock } from "../src/runtime/clock.ts";
import { type FleetLists, fleetLists } from "../test/support/fleet.ts";
import { QuietHold } from "../test/support/quiet-hold.ts";
import { seededRandom } from "../test/support/random.ts";
import { readyEndpoint, slice } from "../test/support/slices.ts";

// npm run bench:discovery [-- fleet]
// What changes of EndpointSlices cost a client, without a server or a load beside it; and what a fleet asks of its server.

/** A server without a socket, whose events are pushed by hand. */
class ScriptedServer implements ApiServer {
  readonly url = "https://api";
  readonly #items: readonly object[];
  #version = 100;
  #wake: (() => void) | undefined;
  #lines: string[] = [];

  constructor(items: readonly object[]) {
    this.#items = items;
  }

  forgetToken(): void {}

  async get(path: string): Promise<ApiResponse> {
    const body = path.includes("watch=1") ? this.#watch() : this.#list();
    return { status: 200, retryAfter: undefined, token: undefined, body };
  }

  change(object: { readonly metadata: object }): void {
    const metadata = { ...object.metadata, resourceVersion: String(++this.#version) };
    this.#lines.push(`${JSON.stringify({ type: "MODIFIED", object: { ...object, metadata } })}\n`);
    this.#wake?.();
  }

  async *#list(): AsyncGenerator<Uint8Array> {
    yield Buffer.from(JSON.stringify({ metadata: { resourceVersion: "100" }, items: this.#items }));
  }

  async *#watch(): AsyncGenerator<Uint8Array> {
    for (;;) {
      if (this.#lines.length === 0) await new Promise<void>((resolve) => (this.#wake = resolve));
      yield Buffer.from(this.#lines.splice(0).join(""));
    }
  }
}

const endpointsOf = (index: number, count: number, isReady = (_: number) => true) =>
  Array.from({ length: count }, (_, i) =>
    readyEndpoint(`10.${index >> 8}.${index & 255}.${i + 1}`, {
      conditions: { ready: isReady(i), serving: isReady(i), terminating: false },
      zone: i % 2 === 0 ? "za" : "zb",
      nodeName: `node-${i}`,
      targetRef: { kind: "Pod", name: `echo-${index}-${i}`, namespace: "shop", uid: `uid-${index}-${i}` },
    }),
  );

const sleep = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

/** CPU from the arrival of an event until the pool has the list, at so many changes a second. */
async function changes(slices: number, perSlice: number, perSecond: number): Promise<void> {
  const server = new ScriptedServer(Array.from({ length: slices }, (_, i) => slice(`s${i}`, endpointsOf(i, perSlice))));
  const clock = systemClock();
  const runtime = { clock, random: seededRandom(1), hold: new QuietHold() };
  const of = { namespace: "shop", service: "echo", port: 50_051, zone: "za", node: undefined, startSpreadMs: 0 };
  const resolver: Resolver = {
    name: "kubernetes",
    watch: (_, listener) => watchSlices(server, of, runtime, listener),
  };
  const events = { active: false, publish: () => undefined };
  let lists = 0;
  let heard: () => void = () => undefined;
  const next = () => new Promise<void>((resolve) => (heard = resolve));
  const watch = new NameWatch(
    {
      target: { host: "echo", port: 50_051 },
      resolver,
      runtime,
      events,
      resolverObserver: new ResolverObserver("bench", events, clock),
    },
    {
      onServiceConfig: () => undefined,
      onResolveFailed: ({ message }) => console.log(message),
      onResolved: () => {
        lists++;
        heard();
      },
    },
  );
  const startedMs = performance.now();
  const first = next();
  watch.start();
  await first;
  const firstMs = performance.now() - startedMs;
  // One pod of each slice in turn is not ready, and then it is again.
  const prepared = [(i: number, j: number) => i !== j, () => true].flatMap((isReady) =>
    Array.from({ length: 40 }, (_, i) =>
      slice(
        `s${i % slices}`,
        endpointsOf(i % slices, perSlice, (j) => isReady(i % perSlice, j)),
      ),
    ),
  );
  for (const one of prepared) {
    server.change(one);
    await sleep(5);
  }
  await sleep(200);
  lists = 0;
  const seconds = 4;
  const before = process.cpuUsage();
  for (let i = 0; i < seconds * perSecond; i++) {
    server.change(prepared[i % prepared.length] as (typeof prepared)[number]);
    await sleep(1_000 / perSecond);
  }
  const { user, system } = process.cpuUsage(before);
  const cpuMs = (user + system) / 1_000;
  const latency = next();
  const changedMs = performance.now();
  server.change(
    slice(
      "s0",
      endpointsOf(0, perSlice, (j) => j > 1),
    ),
  );
  await latency;
  const knownMs = performance.now() - changedMs;
  watch.close();
  console.log(
    `${slices} slices of ${perSlice}: first list ${firstMs.toFixed(0)} ms, a change is known after ${knownMs.toFixed(0)} ms; ` +
      `${perSecond} changes/s: ${(cpuMs / (seconds * perSecond)).toFixed(2)} ms CPU a change, ${lists} lists in ${seconds} s, ` +
      `scripting included`,
  );
}

// No timer of a resolver keeps a process alive.
const alive = setInterval(() => undefined, 1_000);
if (process.argv[2] === "fleet") {
  const { start, back, watches } = await fleetLists(10_000, 30_000);
  const tell = (when: string, { all, worstSecond }: FleetLists) =>
    console.log(`10000 clients ${when}: ${all} lists, ${worstSecond} of them in the worst second`);
  tell("start together, with startSpreadMs 30000", start);
  tell("meet a server again that has lost its history", back);
  console.log(`${watches} watch again`);
} else {
  await changes(10, 100, 50);
  await changes(300, 10, 50);
  await changes(100, 100, 50);
}
clearInterval(alive);
