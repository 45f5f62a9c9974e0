import { endpointOf } from "../../src/endpoint/endpoint.ts";
import type { LoadBalancing, Picker } from "../../src/index.ts";
import { FakeBackend, policyOf } from "../../test/support/fake-backend.ts";
import { pickInfo } from "../../test/support/fake-pool.ts";
import { ManualClock } from "../../test/support/manual-clock.ts";
import { seededRandom } from "../../test/support/random.ts";
import { quantile } from "../statistics.ts";

/** A fleet, and its load. */
export interface Scenario {
  /** What a call takes on each backend, by itself. */
  readonly serviceMs: readonly number[];
  /** How many calls a backend works on at a time: the others wait there. */
  readonly workers: number;
  readonly callsPerSecond: number;
  readonly calls: number;
}

/** What came of one policy. */
export interface Outcome {
  readonly shares: readonly number[];
  readonly p50Ms: number;
  readonly p99Ms: number;
}

interface Event {
  readonly atMs: number;
  readonly happens: () => void;
}

/** Calls at random times, and backends that take random times, on a clock that jumps from one event to the next. */
export async function simulate(loadBalancing: LoadBalancing, scenario: Scenario, seed: number): Promise<Outcome> {
  const { serviceMs, workers, callsPerSecond, calls } = scenario;
  const random = seededRandom(seed);
  const clock = new ManualClock();
  const exponential = (mean: number) => -mean * Math.log(1 - random.next());
  const backends = serviceMs.map((_, i) => new FakeBackend(`10.0.0.${i}`));
  for (const backend of backends) backend.endpoint = endpointOf({ host: backend.id, port: 1 });
  const { policy, picker } = policyOf(loadBalancing, seededRandom(seed + 1), clock);
  policy.update(backends);
  /** When each worker of each backend is free. */
  const free = serviceMs.map(() => Array<number>(workers).fill(0));
  const events: Event[] = [];
  const add = (event: Event) => {
    const at = events.findIndex(({ atMs }) => atMs > event.atMs);
    events.splice(at === -1 ? events.length : at, 0, event);
  };
  const served = serviceMs.map(() => 0);
  const latencies: number[] = [];
  const call = () => {
    const pick = picker().pick(pickInfo) as Exclude<ReturnType<Picker["pick"]>, string>;
    if (!("backend" in pick)) throw new Error("nothing was picked");
    const index = backends.indexOf(pick.backend as FakeBackend);
    const backend = backends[index] as FakeBackend;
    const nowMs = clock.now();
    served[index] = (served[index] as number) + 1;
    backend.openCalls++;
    pick.tracker?.started();
    const queue = free[index] as number[];
    const worker = queue.indexOf(Math.min(...queue));
    const endMs = Math.max(nowMs, queue[worker] as number) + exponential(serviceMs[index] as number);
    queue[worker] = endMs;
    add({
      atMs: endMs,
      happens: () => {
        backend.openCalls--;
        latencies.push(endMs - nowMs);
        pick.tracker?.ended({ failure: undefined, latencyMs: endMs - nowMs, trailers: [] });
      },
    });
  };
  let atMs = clock.now();
  for (let i = 0; i < calls; i++) {
    atMs += exponential(1_000 / callsPerSecond);
    events.push({ atMs, happens: call });
  }
  for (let next = events.shift(); next !== undefined; next = events.shift()) {
    clock.stall(Math.max(0, next.atMs - clock.now()));
    next.happens();
  }
  policy.close();
  latencies.sort((a, b) => a - b);
  return {
    shares: served.map((count) => count / calls),
    p50Ms: quantile(latencies, 0.5),
    p99Ms: quantile(latencies, 0.99),
  };
}
