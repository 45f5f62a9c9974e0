import { Code } from "@connectrpc/connect";
import { ReadyBackends } from "../../src/availability/ready-backends.ts";
import type { Picker } from "../../src/balancing/picker.ts";
import type { LoadBalancing, Policy } from "../../src/balancing/policy.ts";
import type { Availability } from "../../src/base/availability.ts";
import type { ConnectivityState } from "../../src/base/connectivity-state.ts";
import type { Failure } from "../../src/base/errors.ts";
import { type Endpoint, endpointOf } from "../../src/endpoint/endpoint.ts";
import type { Random } from "../../src/runtime/random.ts";
import type { Backend } from "../../src/subchannel/backend.ts";
import { ManualClock } from "./manual-clock.ts";
import { constantRandom } from "./random.ts";

/** A backend as a policy sees it, in whatever state a test wants. */
export class FakeBackend implements Backend {
  readonly id: string;
  weight = 1;
  readonly backend: Backend = this;
  endpoint: Endpoint;
  state: ConnectivityState = "ready";
  availability: Availability = "usable";
  lastFailure: Failure | undefined;
  openCalls = 0;
  connects = 0;
  /** How often a picker looked at it. */
  looks = 0;
  full = false;

  constructor(id: string, state: ConnectivityState = "ready") {
    this.id = id;
    this.endpoint = endpointOf({ host: id, port: 1 });
    this.state = state;
  }

  get hasRoom(): boolean {
    this.looks++;
    return this.state === "ready" && !this.full;
  }

  connect(): void {
    this.connects++;
    if (this.state === "idle") this.state = "connecting";
  }

  disconnect(): void {
    if (this.state === "connecting" || this.state === "ready") this.state = "idle";
  }

  fail(): void {
    this.state = "transient-failure";
    this.lastFailure = { kind: "dial", code: Code.Unavailable, progress: "unsent", message: `no way to ${this.id}` };
  }

  succeed(): void {
    this.state = "ready";
    this.lastFailure = undefined;
  }
}

export function backends(...ids: string[]): FakeBackend[] {
  return ids.map((id) => new FakeBackend(id));
}

/** The choice among backends, and what it tells. */
export function readyBackends(panicThreshold = 0.5, told: string[] = []): ReadyBackends {
  return new ReadyBackends(panicThreshold, {
    onPanicBegan: ({ usable, connected }) => told.push(`began, ${usable} of ${connected}`),
    onPanicEnded: ({ usable, connected }) => told.push(`ended, ${usable} of ${connected}`),
  });
}

/** A policy alone, told of lists of backends as a pool would, and the picker that it published last. */
export function policyOf(loadBalancing: LoadBalancing, random: Random = constantRandom(0), clock = new ManualClock()) {
  let current: Picker = { pick: () => "queue" };
  const policy: Policy = loadBalancing.createPolicy({
    target: "echo.test",
    everConnected: false,
    random,
    clock,
    publish: (picker) => {
      current = picker;
    },
  });
  const ready = readyBackends();
  let known = new Map<FakeBackend, string>();
  const update = (backends: readonly FakeBackend[]) => {
    const now = new Map(backends.map((one) => [one, `${one.state} ${one.availability}`]));
    const left = new Map([...known.keys()].filter((one) => !now.has(one)).map((one) => [one, one.state]));
    const changed = [...left.keys(), ...backends.filter((one) => known.get(one) !== now.get(one))];
    known = now;
    for (const one of left.keys()) one.state = "shutdown";
    ready.update(changed);
    policy.update({ backends, ready: ready.list, changed });
    // A test may name it again, where a pool would make a new one.
    for (const [one, state] of left) one.state = state;
  };
  const factsOf = (backend: FakeBackend) => policy.factsOf?.(backend);
  return { policy: { update, close: () => policy.close?.(), factsOf }, clock, picker: () => current };
}
