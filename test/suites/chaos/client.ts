import { readFileSync } from "node:fs";
import { tellParent } from "../../../demo/processes.ts";
import { OpenResources } from "../../../src/testing/open-resources.ts";
import { describeResource, isAnothers } from "../../support/leaks.ts";
import { ClientRound } from "./client-round.ts";
import type { ClientConfig, FromClient, ToClient } from "./messages.ts";
import type { Plan } from "./plan.ts";

// The client of one round: a process without handlers for what nobody caught, as services are. It has to end by itself.

const { planPath, place } = JSON.parse(process.argv[2] ?? "{}") as ClientConfig;
const plan = JSON.parse(readFileSync(planPath, "utf8")) as Plan;

const resources = new OpenResources(10);
resources.start();
const orphaned = () => process.exit(1);
process.on("disconnect", orphaned);
const round = new ClientRound(plan, place);
await tellParent<FromClient>({ type: "ready" });
await told("begin");
await round.storm(told("healed"));
await round.recover();
await tellParent<FromClient>({ type: "quiet" });
await round.close();
const left = await resources.left((one) => !isAnothers(one) && !one.madeAt.some((line) => line.includes("/chaos/")));
resources.stop();
const leaks = left.map((one) => ({ invariant: "I5", text: `left open after close(): ${describeResource(one)}` }));
await tellParent<FromClient>({ ...round.report(), findings: [...round.report().findings, ...leaks] });
process.off("disconnect", orphaned);
process.disconnect();

function told(type: ToClient["type"]): Promise<void> {
  return new Promise((resolve) => {
    const onMessage = (message: ToClient) => {
      if (message.type !== type) return;
      process.off("message", onMessage);
      resolve();
    };
    process.on("message", onMessage);
  });
}
