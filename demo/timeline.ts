import { setTimeout as sleep } from "node:timers/promises";
import type { Backend, Fleet } from "./fleet.ts";
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
  /** Between two backends of the rolling restart. */
  readonly rollStepMs: number;
}

/** Under a minute, to be watched. */
export const fullPace: Pace = {
  rotationIntervalMs: 1_500,
  small: 3,
  large: 5,
  steadyMs: 4_500,
  killedMs: 2_000,
  frozenMs: 4_000,
  rollStepMs: 900,
};

/** For CI. */
export const shortPace: Pace = {
  rotationIntervalMs: 1_000,
  small: 2,
  large: 3,
  steadyMs: 2_000,
  killedMs: 500,
  frozenMs: 2_000,
  rollStepMs: 400,
};

/** A phase of the timeline, after it ended. */
export interface PastPhase {
  readonly title: string;
  readonly period: Period;
  /** Its end, when nothing was being changed any more: what shares are measured in. */
  readonly settled: Period;
  /** The backends that DNS named then. */
  readonly backends: readonly Backend[];
  /** Backends that DNS named for the first time in this phase. */
  readonly added: readonly Backend[];
}

interface Phase {
  readonly title: string;
  readonly change: () => Promise<void>;
}

/** A new backend must have its share after a rotation (± 10 %), a lookup and a dial, which a busy machine may delay. */
export function arrivalLimitMs({ rotationIntervalMs }: Pace): number {
  return rotationIntervalMs * 1.1 + 1_000;
}

/**
 * What happens to the backends, one phase after the other. `busiest` chooses the victim of each fault; `phaseBegins` is
 * told each title.
 */
export async function runTimeline(
  fleet: Fleet,
  pace: Pace,
  busiest: () => Backend,
  phaseBegins: (title: string) => void,
): Promise<PastPhase[]> {
  const past: PastPhase[] = [];
  for (const { title, change } of phasesOf(fleet, pace, busiest)) {
    phaseBegins(title);
    const fromMs = Date.now();
    await change();
    const added = fleet.backends.filter(({ listedAtMs }) => listedAtMs >= fromMs);
    const arrivedMs = Math.max(0, ...added.map(({ listedAtMs }) => listedAtMs)) + arrivalLimitMs(pace);
    await sleep(Math.max(0, arrivedMs - Date.now()));
    const settledMs = Date.now();
    await sleep(pace.steadyMs / 2);
    const toMs = Date.now();
    past.push({
      title,
      period: { fromMs, toMs },
      settled: { fromMs: settledMs, toMs },
      backends: fleet.listed,
      added,
    });
  }
  return past;
}

function phasesOf(fleet: Fleet, pace: Pace, busiest: () => Backend): Phase[] {
  const { small, large, steadyMs, killedMs, frozenMs, rollStepMs } = pace;
  return [
    { title: `start with ${small} backends`, change: () => sleep(steadyMs / 2) },
    {
      title: `scale to ${large}`,
      change: async () => fleet.list(await fleet.start(large - small)),
    },
    {
      title: "SIGKILL the busiest; it comes back on the same address",
      change: async () => {
        const victim = busiest();
        fleet.kill(victim);
        await sleep(killedMs);
        await fleet.restart(victim);
        await sleep(steadyMs / 2);
      },
    },
    {
      title: `rolling restart of all ${large}: SIGTERM, new addresses`,
      change: async () => {
        const successors = await fleet.start(large);
        const ends: Promise<void>[] = [];
        for (const [index, old] of fleet.listed.entries()) {
          fleet.list(successors.slice(index, index + 1));
          ends.push(fleet.end(old));
          await sleep(rollStepMs);
        }
        await Promise.all(ends);
      },
    },
    {
      title: "freeze the busiest (SIGSTOP), later SIGCONT",
      change: async () => {
        const victim = busiest();
        fleet.freeze(victim);
        await sleep(frozenMs);
        fleet.thaw(victim);
        await sleep(steadyMs / 2);
      },
    },
    {
      title: "back to 2 backends",
      change: async () => {
        await Promise.all(fleet.listed.slice(0, -2).map((backend) => fleet.end(backend)));
        await sleep(steadyMs / 2);
      },
    },
  ];
}
