import { readFrames } from "./frames.ts";
import type { FuzzCase, Step } from "./fuzz-case.ts";
import { sendStep } from "./generator.ts";

/** Tells whether a case still shows what was found. */
export type StillFails = (candidate: FuzzCase) => Promise<boolean>;

/**
 * Makes a case as small as it gets while it still fails: whole frames in place of slices, fewer steps, fewer writes,
 * fewer calls, smaller bodies. Greedy, so the result is small and not the smallest. What is not tried at `endMs`, by the
 * process' own clock, is left: a finding that takes seconds to show, a call that hangs say, stays larger.
 */
export async function minimise(fuzzCase: FuzzCase, stillFails: StillFails, endMs: number): Promise<FuzzCase> {
  let smallest = fuzzCase;
  const accept = async (candidate: FuzzCase): Promise<boolean> => {
    if (performance.now() > endMs || !(await stillFails(candidate))) return false;
    smallest = candidate;
    return true;
  };
  await accept({ ...smallest, opening: wholeFrames(smallest.opening) });
  await accept({ ...smallest, steps: wholeFrames(smallest.steps) });
  for (let before = -1; before !== smallest.steps.length; ) {
    before = smallest.steps.length;
    for (let count = Math.max(1, before >> 1); count >= 1; count >>= 1) {
      for (let at = smallest.steps.length - count; at >= 0; at--) {
        await accept({ ...smallest, steps: without(smallest.steps, at, count) });
      }
    }
  }
  for (let at = smallest.steps.length - 2; at >= 0; at--) {
    const joined = withJoined(smallest.steps, at);
    if (joined !== undefined) await accept({ ...smallest, steps: joined });
  }
  while (smallest.calls.length > 1 && (await accept({ ...smallest, calls: smallest.calls.slice(0, -1) })));
  for (const [i, plan] of smallest.calls.entries()) {
    const calls = [...smallest.calls];
    calls[i] = { ...plan, bodyBytes: 5, ends: true };
    await accept({ ...smallest, calls });
  }
  return smallest;
}

/** The same bytes, a frame a write, between the other steps. */
function wholeFrames(steps: readonly Step[]): Step[] {
  const result: Step[] = [];
  let pending = Buffer.alloc(0);
  const flush = () => {
    const { frames, rest } = readFrames(pending);
    result.push(...frames.map(({ bytes }) => sendStep(bytes)));
    if (rest.length > 0) result.push(sendStep(rest));
    pending = Buffer.alloc(0);
  };
  for (const step of steps) {
    if ("send" in step) {
      pending = Buffer.concat([pending, Buffer.from(step.send, "hex")]);
    } else {
      flush();
      result.push(step);
    }
  }
  flush();
  return result;
}

function without(steps: readonly Step[], at: number, count: number): Step[] {
  return [...steps.slice(0, at), ...steps.slice(at + count)];
}

/** Two writes as one. Fewer writes make a case easier to read. */
function withJoined(steps: readonly Step[], at: number): Step[] | undefined {
  const [first, second] = [steps[at], steps[at + 1]];
  if (first === undefined || second === undefined || !("send" in first && "send" in second)) return undefined;
  const joined = sendStep(Buffer.from(first.send + second.send, "hex"));
  return [...steps.slice(0, at), joined, ...steps.slice(at + 2)];
}
