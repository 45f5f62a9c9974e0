import { execFile } from "node:child_process";
import { parseArgs, promisify } from "node:util";
import { build, built } from "../build.ts";
import { Servers } from "../server-process.ts";
import type { ScaleReport, ScaleTask } from "./client.ts";

// How a transport bears many backends, and a process many transports. Each row is a process of its own against one canned
// server, whose backends are the addresses of 127.0.0.0/8.

const usage = `npm run bench:scale -- [options]

  --backends LIST   how many (default 1,100,1000,4000,9000)
  --peers LIST      of glink, grpc-js and sockets, which is Node's sockets alone (default all)
  --tls             with TLS (plaintext without)
  --targets LIST    processes of so many idle transports, watched for 10 s (default 50,500; 0: none)
  --json            the reports, a line each, and no table`;

const { values } = parseArgs({
  options: {
    help: { type: "boolean", short: "h", default: false },
    backends: { type: "string", default: "1,100,1000,4000,9000" },
    peers: { type: "string", default: "sockets,grpc-js,glink" },
    targets: { type: "string", default: "50,500" },
    tls: { type: "boolean", default: false },
    json: { type: "boolean", default: false },
  },
});
if (values.help) {
  console.log(usage);
  process.exit(0);
}

const run = promisify(execFile);
build();
const servers = await Servers.start(1);
const listener = values.tls ? "tls" : "echo";
const [address = ""] = servers.backends("glink", { listener, addresses: 1 });
const port = Number(address.split(":")[1]);
try {
  for (const backends of numbers(values.backends)) {
    for (const peer of values.peers.split(",") as ScaleTask["peer"][]) {
      const task: ScaleTask = { peer, backends, port, certificate: values.tls ? servers.certificate : undefined };
      const report = await reportOf("bench/scale/client.ts", JSON.stringify(task));
      tell(`${peer}, ${backends} backends`, { peer, backends }, report);
    }
  }
  for (const targets of values.tls ? [] : numbers(values.targets)) {
    const report = await reportOf("bench/scale/idle.ts", `${targets}`, `${port}`, "10");
    tell(`${targets} idle transports`, { targets }, report);
  }
} finally {
  await servers.stop();
}

/** What a process of its own writes. */
async function reportOf(program: string, ...args: string[]): Promise<ScaleReport> {
  const { stdout } = await run(process.execPath, [built(program), ...args]);
  return JSON.parse(stdout) as ScaleReport;
}

function tell(title: string, subject: object, report: ScaleReport): void {
  if (values.json) console.log(JSON.stringify({ ...subject, tls: values.tls, ...report }));
  else console.log(`${title}${values.tls ? ", TLS" : ""}\n${lines(report)}`);
}

/** Without those that are 0. */
function numbers(list: string): number[] {
  return list.split(",").map(Number).filter(Boolean);
}

function lines(report: ScaleReport): string {
  return Object.entries(report)
    .map(([name, value]) => `  ${name.padEnd(24)} ${value.toFixed(value < 100 ? 2 : 0)}`)
    .join("\n");
}
