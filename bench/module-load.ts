import { execFileSync } from "node:child_process";
import { pathToFileURL } from "node:url";
import { root } from "./build.ts";

// What loading costs: `npm run build && node --import tsx bench/module-load.ts`. Each round is a process of its own that
// loads Connect, then connect-node, which glink takes its compressions from, then the class Headers, which Node loads when
// it is first named and every Connect client needs for its first response, then the built glink.

const rounds = 15;
const steps = {
  connect: 'await import("@connectrpc/connect")',
  "connect-node": 'await import("@connectrpc/connect-node")',
  "Node's Headers": "Headers",
  glink: `await import(${JSON.stringify(pathToFileURL(`${root}dist/index.js`).href)})`,
};

const program = `
  const times = [];
  let begun = performance.now();
  const lap = () => {
    const now = performance.now();
    times.push(now - begun);
    begun = now;
  };
  ${Object.values(steps)
    .map((step) => `${step}; lap();`)
    .join("\n")}
  console.log(JSON.stringify(times));
`;

const samples = Array.from({ length: rounds }, () => {
  const args = ["--no-warnings", "--input-type=module", "--eval", program];
  return JSON.parse(execFileSync(process.execPath, args, { cwd: root, encoding: "utf8" })) as number[];
});

for (const [i, name] of Object.keys(steps).entries()) {
  const times = samples.map((sample) => sample[i] as number).sort((a, b) => a - b);
  const [least, median] = [times[0] as number, times[rounds >> 1] as number];
  console.log(`${name.padEnd(16)} median ${median.toFixed(1)} ms, least ${least.toFixed(1)} ms`);
}
