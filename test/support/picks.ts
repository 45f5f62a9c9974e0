import type { Pick, PickTracker } from "../../src/balancing/picker.ts";
import type { LoadBalancing } from "../../src/balancing/policy.ts";
import { backends, FakeBackend, policyOf } from "./fake-backend.ts";
import { pickInfo } from "./fake-pool.ts";
import { seededRandom } from "./random.ts";

/** A policy over fake backends: picks, and counts where calls go. */
export function pickingFrom(loadBalancing: LoadBalancing, list: FakeBackend[], random = seededRandom(1)) {
  const { policy, picker, clock } = policyOf(loadBalancing, random);
  policy.update(list);
  const pick = (changes: Partial<typeof pickInfo> = {}) => picker().pick({ ...pickInfo, ...changes });
  const picked = (changes?: Partial<typeof pickInfo>) => {
    const result = pick(changes);
    return typeof result === "object" && "backend" in result ? result : undefined;
  };
  /** How many of `count` picks go to each of the list, in its order. */
  const counts = (count: number) => {
    const served = new Map(list.map(({ id }) => [id, 0]));
    for (let i = 0; i < count; i++) {
      const id = picked()?.backend.id ?? "queue";
      served.set(id, (served.get(id) ?? 0) + 1);
    }
    return [...served.values()];
  };
  const factsOf = (backend: FakeBackend) => policy.factsOf(backend);
  return { policy, clock, picker, pick, picked, counts, factsOf };
}

/** A hundred backends: `b0` and so on. */
export function hundred(count = 100): FakeBackend[] {
  return backends(...Array.from({ length: count }, (_, i) => `b${i}`));
}

/** Begins a call where a pick says, and returns how it is ended: what a pool does. */
export function callOn(pick: Pick | undefined): (latencyMs: number, changes?: Partial<Outcome>) => void {
  if (!(pick?.backend instanceof FakeBackend)) throw new Error("nothing was picked");
  const { backend, tracker } = pick;
  backend.openCalls++;
  tracker?.started();
  return (latencyMs, changes = {}) => {
    backend.openCalls--;
    tracker?.ended({ failure: undefined, trailers: [], ...changes, latencyMs });
  };
}

type Outcome = Parameters<PickTracker["ended"]>[0];
