import { readFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { createClient } from "@connectrpc/connect";
import { EchoService } from "../../proto/gen/glink/demo/v1/echo_pb.js";
import { glinkTransport } from "../../src/index.ts";
import { heapInUse } from "../memory/heap.ts";
import type { ScaleReport } from "./client.ts";

// One process with many transports, each of which made a call and then is idle, its connection open. Arguments: how many,
// the servers' port, and for how long they are watched, in seconds. It writes a line of JSON.

const [targets = 1, port, seconds = 1] = process.argv.slice(2).map(Number);

/** How often the process went to sleep by itself: each wake-up is followed by one. Linux alone counts them. */
function sleeps(): number {
  const [, count = "NaN"] = /^voluntary_ctxt_switches:\s*(\d+)/m.exec(readFileSync("/proc/self/status", "utf8")) ?? [];
  return Number(count);
}

const before = (await heapInUse()) + process.memoryUsage().external;
const transports = Array.from({ length: targets }, (_, i) =>
  glinkTransport({ baseUrl: `http://127.0.${i >> 7}.${(i & 127) + 1}:${port}` }),
);
for (const transport of transports) await createClient(EchoService, transport).unary({ text: "hello" });
const bytesPerTarget = ((await heapInUse()) + process.memoryUsage().external - before) / targets;
// What a call leaves to be done is done within a second or two.
await sleep(3_000);
const [sleepsBefore, cpuBefore] = [sleeps(), process.cpuUsage()];
await sleep(seconds * 1_000);
const { user, system } = process.cpuUsage(cpuBefore);
const report: ScaleReport = {
  bytesPerTarget,
  wakeUpsPerSecond: (sleeps() - sleepsBefore) / seconds,
  cpuMsPerSecond: (user + system) / 1_000 / seconds,
};
process.stdout.write(`${JSON.stringify(report)}\n`, () => process.exit(0));
