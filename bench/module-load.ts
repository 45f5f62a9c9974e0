import { execFileSync } from "node:child_process";
import { pathToFileURL } from "node:url";
import { root } from "./build.ts";
import { type Spread, spreadOf } from "./statistics.ts";

// What loading glink costs over Connect's own: `npm run bench:load`. Each round is a process of its own for each of the two
// builds, in turn. It loads Connect, as every program that makes calls does, then the built glink, then the class Headers,
// which Node loads when it is first named: every Connect client needs it for its first response.

const rounds = 21;
const dist = `${root}dist`;

const builds = {
  import: {
    flags: ["--input-type=module"],
    steps: {
      Connect: 'await import("@connectrpc/connect")',
      glink: `await import(${JSON.stringify(pathToFileURL(`${dist}/esm/index.js`).href)})`,
      "Node's Headers": "Headers",
    },
  },
  require: {
    flags: ["--input-type=commonjs"],
    steps: {
      Connect: 'require("@connectrpc/connect")',
      glink: `require(${JSON.stringify(`${dist}/cjs/index.js`)})`,
      "Node's Headers": "Headers",
    },
  },
} as const;
type Build = keyof typeof builds;

/** Milliseconds of wall and CPU time that one step took. */
interface Sample {
  readonly wallMs: number;
  readonly cpuMs: number;
}

/** Loads everything in a new process; a sample for each step. */
function measure(build: Build): Sample[] {
  const { flags, steps } = builds[build];
  const program = `
    const samples = [];
    let [wallMs, cpu] = [performance.now(), process.cpuUsage()];
    const lap = () => {
      const { user, system } = process.cpuUsage(cpu);
      samples.push({ wallMs: performance.now() - wallMs, cpuMs: (user + system) / 1_000 });
      [wallMs, cpu] = [performance.now(), process.cpuUsage()];
    };
    ${Object.values(steps)
      .map((step) => `${step}; lap();`)
      .join("\n")}
    console.log(JSON.stringify(samples));
  `;
  const args = ["--no-warnings", ...flags, "--eval", program];
  return JSON.parse(execFileSync(process.execPath, args, { cwd: root, encoding: "utf8" })) as Sample[];
}

const names = Object.keys(builds) as Build[];
const measured: Record<Build, Sample[][]> = { import: [], require: [] };
for (let round = 0; round < rounds; round++) for (const build of names) measured[build].push(measure(build));
for (const build of names) {
  for (const [i, step] of Object.keys(builds[build].steps).entries()) {
    const samples = measured[build].map((steps) => steps[i] as Sample);
    const wall = text(samples.map(({ wallMs }) => wallMs));
    const cpu = text(samples.map(({ cpuMs }) => cpuMs));
    console.log(`${build.padEnd(8)} ${step.padEnd(15)} wall ${wall}; CPU ${cpu}`);
  }
}

function text(valuesMs: readonly number[]): string {
  const { median, min } = spreadOf(valuesMs) as Spread;
  return `median ${median.toFixed(1)} ms, least ${min.toFixed(1)} ms`;
}
