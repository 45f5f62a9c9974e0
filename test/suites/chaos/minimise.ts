import type { Plan } from "./plan.ts";

/**
 * Cuts a plan while it still fails: its actions first, then its options, then its calls. Greedy, and ended by the clock. What
 * needs luck to fail stays larger than it might be.
 */
export async function minimise(
  plan: Plan,
  stillFails: (candidate: Plan) => Promise<boolean>,
  endMs: number,
): Promise<Plan> {
  let smallest = plan;
  const accept = async (candidate: Plan): Promise<boolean> => {
    if (performance.now() > endMs || !(await stillFails(candidate))) return false;
    smallest = candidate;
    return true;
  };
  await cutList(
    () => smallest.actions,
    (actions) => accept({ ...smallest, actions }),
  );
  for (const name of Object.keys(plan.options)) {
    const { [name]: _, ...options } = smallest.options;
    await accept({ ...smallest, options });
  }
  await cutList(
    () => smallest.calls,
    (calls) => accept({ ...smallest, calls }),
  );
  return smallest;
}

/** Leaves out ever smaller runs of the list: all of it, halves, quarters, and one by one at last. */
async function cutList<T>(
  list: () => readonly T[],
  accept: (shorter: readonly T[]) => Promise<boolean>,
): Promise<void> {
  for (let count = list().length; count >= 1; count >>= 1) {
    for (let at = list().length - count; at >= 0; at -= count) {
      await accept([...list().slice(0, at), ...list().slice(at + count)]);
    }
  }
}
