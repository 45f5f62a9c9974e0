// In the network namespace: the control plane, and the scenes one after another.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createAccount } from "./account.ts";
import { ControlPlane } from "./components.ts";
import { report } from "./figures.ts";
import { createNodes } from "./pods.ts";
import * as scenes from "./scenes.ts";
import { fleet, manySlices, steadyChanges } from "./sizes.ts";

const quick = process.argv.includes("--quick");
const wanted = process.argv.slice(2).filter((argument) => !argument.startsWith("-"));

const folder = mkdtempSync(join(tmpdir(), "glink-kubernetes-"));
const plane = new ControlPlane(folder);
try {
  const startedMs = performance.now();
  await plane.start();
  await createNodes();
  await createAccount(plane.caPath);
  console.log(`the control plane is there after ${Math.round(performance.now() - startedMs)} ms`);
  const all = {
    ready: scenes.readyAndTerminating,
    rolling: scenes.rollingUpdate,
    forbidden: scenes.forbidden,
    hinted: scenes.hinted,
    token: () => scenes.tokenRotated(plane),
    many: manySlices,
    steady: () => steadyChanges(quick ? 5_000 : 20_000),
    away: () => scenes.serverAway(plane, quick ? 10_000 : 60_000),
    fleet,
  };
  for (const [name, scene] of Object.entries(all)) {
    if (wanted.length > 0 && !wanted.includes(name)) continue;
    console.log(`--- ${name}`);
    await scene();
  }
} finally {
  await plane.close();
  rmSync(folder, { recursive: true, force: true });
}
process.exitCode = report() ? 0 : 1;
