import { readFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { createClient } from "@connectrpc/connect";
import { EchoService } from "../../proto/gen/glink/demo/v1/echo_pb.js";
import { glinkTransport } from "../../src/index.ts";
import { bytesInUse, cpuMs } from "./measured.ts";
import { addresses, type ScaleReport } from "./task.ts";

// One process with many transports, each of which made a call and then is idle, its connection open. Argument: its task, as
// JSON. It writes a line of JSON.

export interface IdleTask {
  /** How many transports. */
  readonly targets: number;
  /** True: their host is a name that is looked up again and again, not an address. */
  readonly named: boolean;
  readonly port: number;
  /** For how long they are watched. */
  readonly seconds: number;
}

const { targets, named, port, seconds } = JSON.parse(process.argv[2] as string) as IdleTask;

/** How often the process went to sleep by itself: each wake-up is followed by one. Linux alone counts them. */
function sleeps(): number {
  const [, count = "NaN"] = /^voluntary_ctxt_switches:\s*(\d+)/m.exec(readFileSync("/proc/self/status", "utf8")) ?? [];
  return Number(count);
}

const before = await bytesInUse();
const transports = addresses(0, targets, [port]).map(({ host }) =>
  glinkTransport({ baseUrl: `http://${named ? "localhost" : host}:${port}` }),
);
for (const transport of transports) await createClient(EchoService, transport).unary({ text: "hello" });
const bytesPerTarget = ((await bytesInUse()) - before) / targets;
// What a call leaves to be done is done within a second or two.
await sleep(3_000);
const [sleepsBefore, cpuBefore] = [sleeps(), process.cpuUsage()];
await sleep(seconds * 1_000);
const report: ScaleReport = {
  bytesPerTarget,
  wakeUpsPerSecond: (sleeps() - sleepsBefore) / seconds,
  cpuMsPerSecond: cpuMs(cpuBefore) / seconds,
};
process.stdout.write(`${JSON.stringify(report)}\n`, () => process.exit(0));
