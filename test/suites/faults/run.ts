import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { OpenResources } from "../../../src/testing/open-resources.ts";
import { type ClientName, callWith, clientNames, type Outcome } from "./clients.ts";
import { violationsOf } from "./invariants.ts";
import { scenarios } from "./scenarios.ts";
import { faultsPage, type Measured, measuredPath } from "./table.ts";

/*
 * npm run faults [-- --table]
 * One call to each faulty server, with glink on both engines, createGrpcTransport and grpc-js: what each gives, and for glink
 * what holds whatever the fault. --table writes it down, and docs/faults.md from it.
 */

const { values } = parseArgs({ options: { table: { type: "boolean", default: false } } });
// What other clients leave uncaught is theirs; for glink no scenario may come here.
let uncaught: unknown[] = [];
process.on("uncaughtException", (error) => uncaught.push(error));

const measured: Measured[] = [];
let failed = 0;
for (const { id, what, start } of scenarios) {
  const outcomes: Partial<Record<ClientName, Outcome>> = {};
  for (const name of clientNames) {
    const server = await start();
    const resources = new OpenResources(10);
    uncaught = [];
    resources.start();
    const { outcome, invariants } = await callWith(name, server.address);
    outcomes[name] = outcome;
    const seen = { requests: server.requests(), resources };
    const wrong = invariants === undefined ? [] : await violationsOf(outcome, invariants, seen);
    resources.stop();
    if (invariants !== undefined) wrong.push(...uncaught.map((error) => `uncaught: ${error}`));
    await server.close();
    for (const text of wrong) console.log(`  FAILED ${id}, ${what}, ${name}: ${text}`);
    failed += wrong.length;
  }
  const told = clientNames.map((name) => `${name} ${outcomes[name]?.code} ${outcomes[name]?.ms} ms`);
  console.log(`faults: ${id}, ${what}: ${told.join("; ")}`);
  measured.push({ id, what, outcomes: outcomes as Measured["outcomes"] });
}
if (values.table) {
  writeFileSync(measuredPath, `${JSON.stringify(measured, null, 1)}\n`);
  writeFileSync(join(import.meta.dirname, "../../../docs/faults.md"), faultsPage());
}
console.log(`faults: ${scenarios.length} scenarios with ${clientNames.length} clients, ${failed} violations`);
// Other clients keep timers for minutes.
process.exit(failed === 0 ? 0 : 1);
