import type { OpenResources } from "../../../src/testing/open-resources.ts";
import type { Invariants } from "../../support/invariants.ts";
import { describeResource, isAnothers } from "../../support/leaks.ts";
import { type Outcome, timeoutMs } from "./clients.ts";

/** A busy machine is late by so much. */
const slackMs = 750;

/** What holds after every scenario, whatever the fault: in words, what does not. */
export async function violationsOf(
  outcome: Outcome,
  invariants: Invariants,
  { requests, resources }: { readonly requests: number; readonly resources: OpenResources },
): Promise<string[]> {
  const wrong = await invariants.violations({ requests });
  if (outcome.code === "never" || outcome.ms > timeoutMs + slackMs) wrong.push(`settled after ${outcome.ms} ms`);
  const left = await resources.left((one) => !isAnothers(one) && one.madeAt.some((line) => line.includes("/src/")));
  for (const one of left) wrong.push(`left open: ${describeResource(one)}`);
  return wrong;
}
