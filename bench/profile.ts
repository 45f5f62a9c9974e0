import { readdirSync, readFileSync } from "node:fs";
import { cache } from "./build.ts";

// What a CPU profile says: `npm run bench -- --only unary-c32 --profile glink`, then
// `node --import tsx bench/profile.ts [FILE ...]`. Prints self time by place and by function, as shares of the busy time.

interface CpuProfile {
  readonly nodes: readonly {
    readonly id: number;
    readonly callFrame: { readonly functionName: string; readonly url: string; readonly lineNumber: number };
  }[];
  readonly samples: readonly number[];
  readonly timeDeltas: readonly number[];
}

const folder = `${cache}/profiles`;
const files = process.argv.length > 2 ? process.argv.slice(2) : readdirSync(folder).map((name) => `${folder}/${name}`);
for (const file of files) {
  console.log(file);
  const profile = JSON.parse(readFileSync(file, "utf8")) as CpuProfile;
  print(
    "by place",
    selfTimes(profile, (frame) => placeOf(frame.url, frame.functionName)),
    15,
  );
  const byFunction = ({ url, functionName, lineNumber }: CpuProfile["nodes"][number]["callFrame"]) =>
    `${functionName || "(anonymous)"} ${shortUrl(url)}:${lineNumber + 1}`;
  print("by function", selfTimes(profile, byFunction), 45);
}

function selfTimes(
  profile: CpuProfile,
  keyOf: (frame: CpuProfile["nodes"][number]["callFrame"]) => string,
): Map<string, number> {
  const keys = new Map(profile.nodes.map(({ id, callFrame }) => [id, { key: keyOf(callFrame), callFrame }]));
  const times = new Map<string, number>();
  profile.samples.forEach((id, i) => {
    const node = keys.get(id);
    if (node === undefined || node.callFrame.functionName === "(idle)") return;
    times.set(node.key, (times.get(node.key) ?? 0) + (profile.timeDeltas[i] ?? 0));
  });
  return times;
}

function print(title: string, times: ReadonlyMap<string, number>, limit: number): void {
  const total = [...times.values()].reduce((sum, one) => sum + one, 0);
  console.log(`  ${title} (${(total / 1e6).toFixed(2)} s busy)`);
  const sorted = [...times].sort(([, a], [, b]) => b - a).slice(0, limit);
  for (const [key, micros] of sorted) console.log(`  ${((100 * micros) / total).toFixed(1).padStart(6)} %  ${key}`);
}

/** A part of the program: a folder of src, a package, a part of Node. */
function placeOf(url: string, functionName: string): string {
  if (url === "") return functionName.startsWith("(") ? functionName : "native";
  if (url.startsWith("node:")) return url;
  const source = /\.cache\/bench\/(src\/(?:[a-z0-9-]+\/)?|bench)/.exec(url);
  if (source !== null) return source[1] as string;
  return /node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(url)?.[1] ?? url;
}

function shortUrl(url: string): string {
  return url.replace(/^.*\.cache\/bench\//, "").replace(/^.*node_modules\//, "");
}
