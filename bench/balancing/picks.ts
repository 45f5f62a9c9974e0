import { endpointOf } from "../../src/endpoint/endpoint.ts";
import type { Backend, LoadBalancing, Picker, PickInfo } from "../../src/index.ts";
import { systemClock } from "../../src/runtime/clock.ts";
import { systemRandom } from "../../src/runtime/random.ts";
import { addressesOf } from "../memory/addresses.ts";
import { policies } from "./policies.ts";

const picks = 200_000;

const info: PickInfo = {
  method: { service: "a.B", name: "C", singleRequest: true, singleResponse: true, idempotency: "unknown" },
  metadata: [],
  contextValues: undefined,
  attempt: 1,
  tried: [],
};

/** What one pick costs. */
export interface PickCost {
  readonly policy: string;
  readonly nanoseconds: number;
  readonly bytes: number;
}

/** The least of ten rounds for each policy: whatever else the machine does only adds to it. */
export function pickCosts(backendCount: number): PickCost[] {
  const cases = Object.entries(policies).flatMap(([policy, make]) =>
    policy === "ringHash"
      ? [{ policy, make, unequal: false }]
      : [false, true].map((unequal) => ({ policy, make, unequal })),
  );
  return cases.map(({ policy, make, unequal }) => {
    const backends = readyBackends(backendCount);
    if (unequal) for (const [i, backend] of backends.entries()) backend.weight = 1 + (i % 5);
    const rounds = roundsWith(pickerOf(make(), backends));
    return {
      policy: unequal ? `${policy}, by weight` : policy,
      nanoseconds: Math.min(...rounds.map(({ nanoseconds }) => nanoseconds)),
      bytes: Math.min(...rounds.map(({ bytes }) => bytes)),
    };
  });
}

function roundsWith(picker: Picker) {
  return Array.from({ length: 12 }, () => {
    const heap = process.memoryUsage().heapUsed;
    const cpu = process.cpuUsage();
    for (let i = 0; i < picks; i++) picker.pick(info);
    const { user, system } = process.cpuUsage(cpu);
    const bytes = Math.abs(process.memoryUsage().heapUsed - heap) / picks;
    return { nanoseconds: ((user + system) * 1_000) / picks, bytes: Math.round(bytes * 10) / 10 };
  }).slice(2);
}

/** Backends that calls may go to, without a connection. */
export function readyBackends(count: number): ReadyBackend[] {
  return addressesOf(0, count).map((address, i) => new ReadyBackend(String(i), endpointOf(address)));
}

/** What a policy publishes for these. */
export function pickerOf(loadBalancing: LoadBalancing, backends: readonly Backend[]): Picker {
  let current: Picker | undefined;
  const policy = loadBalancing.createPolicy({
    target: "bench",
    everConnected: true,
    random: systemRandom(),
    clock: systemClock(),
    publish: (picker) => {
      current = picker;
    },
    subscribe: () => () => undefined,
  });
  policy.update({ backends, ready: backends, changed: backends });
  policy.close?.();
  if (current === undefined) throw new Error("no picker was published");
  return current;
}

class ReadyBackend implements Backend {
  readonly id: string;
  readonly endpoint: Backend["endpoint"];
  readonly backend: Backend = this;
  readonly state = "ready";
  readonly availability = "usable";
  readonly hasRoom = true;
  readonly openCalls = 0;
  readonly lastFailure: undefined;
  weight = 1;

  constructor(id: string, endpoint: Backend["endpoint"]) {
    this.id = id;
    this.endpoint = endpoint;
  }

  connect(): void {}
  disconnect(): void {}
}
