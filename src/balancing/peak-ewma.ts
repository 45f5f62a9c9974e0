import { checkNames, checkNumber, checkObject } from "../base/check.ts";
import type { Clock } from "../runtime/clock.ts";
import type { Random } from "../runtime/random.ts";
import type { Backend } from "../subchannel/backend.ts";
import { BestOfSome } from "./best-of-some.ts";
import { EwmaLoad, type EwmaSettings } from "./ewma-load.ts";
import type { Pick, Picker, PickInfo } from "./picker.ts";
import { type LoadBalancing, type Policy, type PolicyController, type PolicyFacts, ReadyPolicy } from "./policy.ts";

/** Options of {@link peakEwma}. */
export interface PeakEwmaOptions {
  /**
   * How long a latency is remembered: after this time it counts for a third. In milliseconds. Default 10 000, from 100 to
   * 600 000. Longer is steadier; shorter tries sooner again what was slow.
   */
  readonly decayMs?: number;
  /**
   * A failure that is the server's fault counts as a call of this length at least. In milliseconds. Default 5 000, from 0
   * to 600 000.
   */
  readonly failurePenaltyMs?: number;
}

/**
 * Of two random backends the one with the lower product of latency and open calls, those of streams included. The latency
 * is a moving average that jumps to each peak, and decays from there. For backends whose speed differs or changes:
 * other hardware, noisy neighbours, other zones, a long pause for garbage.
 *
 * Latencies are those of unary calls; of streams only open calls and failures count. What fails fast attracts nothing.
 * A backend of which nothing is known gets one call, and more when that has ended. Weights divide the cost.
 *
 * Throws a TypeError or RangeError that names the option.
 */
export function peakEwma(options: PeakEwmaOptions = {}): LoadBalancing {
  checkNames("peakEwma", checkObject("peakEwma", options), ["decayMs", "failurePenaltyMs"]);
  const { decayMs = 10_000, failurePenaltyMs = 5_000 } = options;
  checkNumber("peakEwma: decayMs", decayMs, { min: 100, max: 600_000 });
  checkNumber("peakEwma: failurePenaltyMs", failurePenaltyMs, { min: 0, max: 600_000 });
  const settings = { decayMs, failurePenaltyMs };
  return { name: "peak_ewma", createPolicy: (controller) => peakEwmaPolicy(controller, settings) };
}

function peakEwmaPolicy(controller: PolicyController, settings: EwmaSettings): Policy {
  const loads = new Loads(controller.clock, settings);
  return new ReadyPolicy(
    controller,
    (ready, _previous, random) => new PeakEwmaPicker(ready, loads, random),
    (backend) => loads.factsOf(backend),
  );
}

/** What is known of the backends that are ready. One that was lost begins anew: it may be another process by then. */
class Loads {
  /**
   * When an attempt last began or ended. Picks go by that: costs decay alike, so those of an idle pool compare as well by
   * an old time, and a pick asks no clock.
   */
  nowMs: number;
  readonly #clock: Clock;
  readonly #settings: EwmaSettings;
  #loads = new Map<Backend, EwmaLoad>();

  constructor(clock: Clock, settings: EwmaSettings) {
    this.#clock = clock;
    this.#settings = settings;
    this.nowMs = clock.now();
  }

  /** From now on these are ready. */
  of(ready: readonly Backend[]): readonly EwmaLoad[] {
    const tick = () => this.#tick();
    const known = this.#loads;
    const loads = ready.map((backend) => known.get(backend) ?? new EwmaLoad(backend, this.#settings, tick));
    this.#loads = new Map(ready.map((backend, i) => [backend, loads[i] as EwmaLoad]));
    return loads;
  }

  factsOf(backend: Backend): PolicyFacts | undefined {
    const expectedMs = this.#loads.get(backend)?.expectedMs(this.#clock.now());
    return expectedMs === undefined ? undefined : { expectedMs };
  }

  #tick(): number {
    this.nowMs = this.#clock.now();
    return this.nowMs;
  }
}

class PeakEwmaPicker implements Picker {
  readonly #loads: readonly EwmaLoad[];
  readonly #some: BestOfSome;

  constructor(ready: readonly Backend[], known: Loads, random: Random) {
    const loads = known.of(ready);
    const costOf = (index: number) => (loads[index] as EwmaLoad).cost(known.nowMs);
    this.#loads = loads;
    this.#some = new BestOfSome({ ready, choices: 2, costOf, random });
  }

  pick({ tried, method }: PickInfo): Pick | "queue" {
    const chosen = this.#some.choose(tried);
    if (chosen === -1) return "queue";
    const load = this.#loads[chosen] as EwmaLoad;
    return method.singleRequest && method.singleResponse ? load.timed : load.untimed;
  }

  roomAgain(backend: Backend): void {
    this.#some.roomAgain(backend);
  }
}
