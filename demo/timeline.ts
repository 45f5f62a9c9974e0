import { setTimeout as sleep } from "node:timers/promises";
import type { Backend, Fleet } from "./fleet.ts";
import { hasSignals } from "./signals.ts";
import type { Period } from "./statistics.ts";

/** How long things take. Times in milliseconds. */
export interface Pace {
  readonly rotationIntervalMs: number;
  /** Backends at the start, and after the growth. */
  readonly small: number;
  readonly large: number;
  /** Undisturbed load at the start, at the end of each phase, and before the end. */
  readonly steadyMs: number;
  /** How long the killed backend is down, and the frozen one stands still. */
  readonly killedMs: number;
  readonly frozenMs: number;
  /** From the end of one backend to the start of the next in the rolling restart. */
  readonly rollStepMs: number;
}

/** Under a minute, to be watched. */
const fullPace: Pace = {
  rotationIntervalMs: 1_500,
  small: 3,
  large: 5,
  steadyMs: 4_500,
  killedMs: 2_000,
  frozenMs: 4_000,
  rollStepMs: 300,
};

/** For CI. */
export const shortPace: Pace = {
  rotationIntervalMs: 1_000,
  small: 2,
  large: 3,
  steadyMs: 2_000,
  killedMs: 500,
  frozenMs: 2_000,
  rollStepMs: 200,
};

/** `--short` or not. */
export function paceOf({ short }: { readonly short: boolean }): Pace {
  return short ? shortPace : fullPace;
}

/** A backend that thaws first works off what has piled up. */
export const catchUpMs = 1_000;

/** A phase of the timeline. */
export interface Phase {
  /** Short: it stands in a table. */
  readonly title: string;
  /** What happens to the backends, as one line. */
  readonly story: string;
  /** A backend stands still for so long, and calls that are on it meanwhile may fail. */
  readonly frozenMs?: number;
  readonly change: () => Promise<void>;
}

/** A phase that runs. */
export interface RunningPhase {
  readonly phase: Phase;
  readonly fromMs: number;
}

/** A phase after it ended. */
export interface PastPhase {
  readonly phase: Phase;
  readonly period: Period;
  /** Its end, when nothing was being changed any more: what shares are measured in. */
  readonly settled: Period;
  /** The backends that clients could find then. */
  readonly backends: readonly Backend[];
  /** Backends that clients could find for the first time in this phase. */
  readonly added: readonly Backend[];
}

/** Whoever asks DNS must know a new backend after a rotation (± 10 %), a lookup and a dial, which a busy machine may delay. */
export function arrivalLimitMs({ rotationIntervalMs }: Pace): number {
  return rotationIntervalMs * 1.1 + 1_000;
}

/** What happens to the backends, one phase after the other. */
export class Timeline {
  readonly phases: readonly Phase[];
  readonly past: PastPhase[] = [];
  readonly #fleet: Fleet;
  readonly #pace: Pace;
  #running: RunningPhase | undefined;

  /** `busiest` chooses the victim of each fault. */
  constructor(fleet: Fleet, pace: Pace, busiest: () => Backend) {
    this.#fleet = fleet;
    this.#pace = pace;
    this.phases = phasesOf(fleet, pace, busiest);
  }

  get running(): RunningPhase | undefined {
    return this.#running;
  }

  async run(): Promise<void> {
    for (const phase of this.phases) {
      const fromMs = Date.now();
      this.#running = { phase, fromMs };
      await phase.change();
      const added = this.#fleet.backends.filter(({ listedAtMs }) => listedAtMs >= fromMs);
      const arrivedMs = Math.max(0, ...added.map(({ listedAtMs }) => listedAtMs)) + arrivalLimitMs(this.#pace);
      await sleep(Math.max(0, arrivedMs - Date.now()));
      const settledMs = Date.now();
      await sleep(this.#pace.steadyMs / 2);
      const toMs = Date.now();
      this.past.push({
        phase,
        period: { fromMs, toMs },
        settled: { fromMs: settledMs, toMs },
        backends: this.#fleet.listed,
        added,
      });
    }
    this.#running = undefined;
  }
}

function phasesOf(fleet: Fleet, pace: Pace, busiest: () => Backend): Phase[] {
  const { small, large, steadyMs, killedMs, frozenMs, rollStepMs } = pace;
  const phases: Phase[] = [
    {
      title: `start with ${small}`,
      story: `${small} backends behind one DNS name`,
      change: () => sleep(steadyMs / 2),
    },
    {
      title: `scale up to ${large}`,
      story: "new backends start, and DNS names them too",
      change: async () => await fleet.list(await fleet.start(large - small)),
    },
    {
      title: "kill one",
      story: `the busiest dies (SIGKILL) and returns after ${killedMs / 1_000} s`,
      change: async () => {
        const victim = busiest();
        fleet.kill(victim);
        await sleep(killedMs);
        await fleet.restart(victim);
        await sleep(steadyMs / 2);
      },
    },
    {
      title: "rolling restart",
      story: "new ones replace all old ones (SIGTERM), one by one",
      change: async () => {
        const ends: Promise<void>[] = [];
        for (const old of fleet.listed) {
          await fleet.list(await fleet.start(1));
          ends.push(fleet.end(old));
          await sleep(rollStepMs);
        }
        await Promise.all(ends);
      },
    },
    {
      title: "freeze one",
      story: `the busiest stands still for ${frozenMs / 1_000} s (SIGSTOP, SIGCONT)`,
      frozenMs,
      change: async () => {
        const victim = busiest();
        fleet.freeze(victim);
        await sleep(frozenMs);
        fleet.thaw(victim);
        await sleep(catchUpMs + steadyMs / 2);
      },
    },
    {
      title: "scale down to 2",
      story: "DNS names 2 only, and the others end (SIGTERM)",
      change: async () => {
        await Promise.all(fleet.listed.slice(0, -2).map((backend) => fleet.end(backend)));
        await sleep(steadyMs / 2);
      },
    },
  ];
  return hasSignals ? phases : phases.filter((phase) => phase.frozenMs === undefined);
}
