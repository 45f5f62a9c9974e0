import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { pathToFileURL } from "node:url";
import { parseArgs } from "node:util";
import { root } from "./build.ts";
import { type Spread, spreadOf } from "./statistics.ts";

// What loading glink costs over Connect's own: `npm run bench:load`, or `-- --json` for one line of JSON. Each round is a process of its own for each of the two
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
type Step = keyof (typeof builds)[Build]["steps"];

/** Milliseconds of wall and CPU time that one step took. */
interface Sample {
  readonly wallMs: number;
  readonly cpuMs: number;
}

/** What was found of each step of each build, and how much of glink's text is loaded before anything is called. */
export interface Loading {
  readonly steps: Readonly<Record<Build, Readonly<Record<Step, Readonly<Record<keyof Sample, Spread>>>>>>;
  readonly bytesAtOnce: number;
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

/** Of a module of the ESM build and of those that it imports itself, from each other's text. */
function bytesWith(name: string, counted = new Set<string>()): number {
  if (counted.has(name)) return 0;
  counted.add(name);
  const text = readFileSync(`${dist}/esm/${name}`, "utf8");
  const imports = Array.from(text.matchAll(/(?:from|import) "\.\/([^"]+)"/g), ([, imported = ""]) => imported);
  return imports.reduce((sum, imported) => sum + bytesWith(imported, counted), Buffer.byteLength(text));
}

function measureAll(): Loading {
  const measured: Record<Build, Sample[][]> = { import: [], require: [] };
  for (let round = 0; round < rounds; round++) for (const build of names) measured[build].push(measure(build));
  const ofBuild = (build: Build) =>
    Object.fromEntries(
      Object.keys(builds[build].steps).map((step, i) => {
        const samples = measured[build].map((steps) => steps[i] as Sample);
        const spread = (figure: keyof Sample) => spreadOf(samples.map((sample) => sample[figure])) as Spread;
        return [step, { wallMs: spread("wallMs"), cpuMs: spread("cpuMs") }];
      }),
    ) as Loading["steps"][Build];
  return { steps: { import: ofBuild("import"), require: ofBuild("require") }, bytesAtOnce: bytesWith("index.js") };
}

function print({ steps, bytesAtOnce }: Loading): void {
  for (const build of names) {
    for (const [step, { wallMs, cpuMs }] of Object.entries(steps[build])) {
      console.log(`${build.padEnd(8)} ${step.padEnd(15)} wall ${text(wallMs)}; CPU ${text(cpuMs)}`);
    }
  }
  console.log(`import "glink" loads ${Math.round(bytesAtOnce / 1_000)} kB at once`);
}

function text({ median, min }: Spread): string {
  return `median ${median.toFixed(1)} ms, least ${min.toFixed(1)} ms`;
}

const names = Object.keys(builds) as Build[];
const { values } = parseArgs({ options: { json: { type: "boolean", default: false } } });
const loading = measureAll();
if (values.json) console.log(JSON.stringify(loading));
else print(loading);
