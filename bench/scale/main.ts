import { execFile } from "node:child_process";
import { parseArgs, promisify } from "node:util";
import { build, built } from "../build.ts";
import { Servers } from "../server-process.ts";
import type { IdleTask } from "./idle.ts";
import { idleTable, mediansOf, type Row, scaleTable } from "./summary.ts";
import type { ScaleReport, ScaleTask } from "./task.ts";

// How a transport bears many backends, and a process many transports. Each row is a process of its own against two canned
// servers, whose backends are the addresses of 127.0.0.0/8.

const usage = `npm run bench:scale -- [options]

  --backends LIST   how many (default 1,100,1000,4000,10000)
  --peers LIST      of glink, grpc-js and sockets, which is Node's sockets alone (default all)
  --tls             with TLS (plaintext without)
  --phase SECONDS   how long calls go on in each phase, at least (default 6)
  --targets LIST    processes of so many idle transports, all at the same time (default 50,500; 0: none)
  --idle SECONDS    how long those are watched (default 120)
  --repeat N        processes of each row, whose medians are shown (default 1)
  --json            the medians, a line each, and no table`;

const { values } = parseArgs({
  options: {
    help: { type: "boolean", short: "h", default: false },
    backends: { type: "string", default: "1,100,1000,4000,10000" },
    peers: { type: "string", default: "sockets,grpc-js,glink" },
    phase: { type: "string", default: "6" },
    targets: { type: "string", default: "50,500" },
    idle: { type: "string", default: "120" },
    repeat: { type: "string", default: "1" },
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
const { tls } = values;
const repeats = Array.from({ length: Number(values.repeat) });
const servers = await Servers.start(2);
const ports = servers.backends("glink", { listener: tls ? "tls" : "echo", addresses: 2 }).map(portOf);
try {
  const rows: Row[] = [];
  for (const backends of numbers(values.backends)) {
    for (const peer of values.peers.split(",") as ScaleTask["peer"][]) {
      const certificate = tls ? servers.certificate : undefined;
      const task: ScaleTask = { peer, backends, ports, certificate, phaseMs: 1_000 * Number(values.phase) };
      const reports: ScaleReport[] = [];
      for (const _ of repeats) reports.push(await reportOf("bench/scale/client.ts", task));
      rows.push(told({ peer, backends, tls }, reports));
    }
  }
  const idle = tls
    ? []
    : numbers(values.targets).flatMap((targets) => [false, true].map((named) => ({ targets, named })));
  const idleRows = idle.map(async (subject) => {
    const task: IdleTask = { ...subject, port: ports[0] as number, seconds: Number(values.idle) };
    return told({ ...subject, tls }, [await reportOf("bench/scale/idle.ts", task)]);
  });
  const allIdle = await Promise.all(idleRows);
  if (!values.json) console.log([scaleTable(rows), idleTable(allIdle)].filter(Boolean).join("\n\n"));
} finally {
  await servers.stop();
}

/** What a process of its own writes. */
async function reportOf(program: string, task: object): Promise<ScaleReport> {
  const { stdout } = await run(process.execPath, [built(program), JSON.stringify(task)]);
  return JSON.parse(stdout) as ScaleReport;
}

/** A row is written as soon as it is there. */
function told(subject: Row["subject"], reports: readonly ScaleReport[]): Row {
  const row = { subject, report: mediansOf(reports) };
  if (values.json) console.log(JSON.stringify({ ...subject, processes: reports.length, ...row.report }));
  else console.error(`${JSON.stringify(subject)} ${reports.map((report) => JSON.stringify(report)).join("\n  ")}`);
  return row;
}

function portOf(address: string): number {
  return Number(address.split(":")[1]);
}

/** Without those that are 0. */
function numbers(list: string): number[] {
  return list.split(",").map(Number).filter(Boolean);
}
