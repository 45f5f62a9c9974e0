import { execFileSync } from "node:child_process";
import { pathToFileURL } from "node:url";
import { root } from "./build.ts";

// What loading costs: `npm run build && node --import tsx bench/module-load.ts`. Each round is a process of its own that
// loads Connect, then connect-node, which glink takes its compressions from, then the built glink.

const rounds = 15;
const steps = ["@connectrpc/connect", "@connectrpc/connect-node", pathToFileURL(`${root}dist/index.js`).href];

const program = `
  const times = [];
  for (const name of ${JSON.stringify(steps)}) {
    const begun = performance.now();
    await import(name);
    times.push(performance.now() - begun);
  }
  console.log(JSON.stringify(times));
`;

const samples = Array.from({ length: rounds }, () => {
  const args = ["--no-warnings", "--input-type=module", "--eval", program];
  return JSON.parse(execFileSync(process.execPath, args, { cwd: root, encoding: "utf8" })) as number[];
});

for (const [i, name] of ["connect", "connect-node", "glink"].entries()) {
  const times = samples.map((sample) => sample[i] as number).sort((a, b) => a - b);
  const [least, median] = [times[0] as number, times[rounds >> 1] as number];
  console.log(`${name.padEnd(14)} median ${median.toFixed(1)} ms, least ${least.toFixed(1)} ms`);
}
