import type { OpenResources } from "../../../src/testing/open-resources.ts";
import { describeResource, isAnothers } from "../../support/leaks.ts";
import { type Outcome, timeoutMs } from "./clients.ts";

/** A busy machine is late by so much. */
const slackMs = 750;

/** What holds after every scenario, whatever the fault: in words, what does not. */
export async function violationsOf(
  outcome: Outcome,
  { requests, resources }: { readonly requests: number; readonly resources: OpenResources },
): Promise<string[]> {
  const wrong: string[] = [];
  if (outcome.code === "never" || outcome.ms > timeoutMs + slackMs) wrong.push(`settled after ${outcome.ms} ms`);
  if (outcome.code === "other") wrong.push(`rejected with ${outcome.kind}`);
  // docs/errors.md: what a codec cannot read is told as it is.
  if (outcome.code !== "OK" && outcome.kind === undefined && !outcome.unreadable)
    wrong.push("no kind is known of its error");
  const { attempts = 0 } = outcome;
  if (requests > attempts) wrong.push(`the server got ${requests} requests of ${attempts} attempts`);
  const left = await resources.left((one) => !isAnothers(one) && one.madeAt.some((line) => line.includes("/src/")));
  for (const one of left) wrong.push(`left open: ${describeResource(one)}`);
  return wrong;
}
