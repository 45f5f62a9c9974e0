import { connect, type Socket } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { addresses } from "./task.ts";

// Opens sockets to as many backends and closes them, again and again, without any protocol: what a rotation asks of the
// servers and of the machine, whoever does it. Argument: its task, as JSON. It writes a line at its end.

export interface ChurnTask {
  readonly sockets: number;
  readonly ports: readonly number[];
  /** How long opening and closing all of them takes. */
  readonly everyMs: number;
  readonly forMs: number;
}

/** Far from those that are in use. */
const firstBackend = 60_000;

const portionMs = 10;

const { sockets, ports, everyMs, forMs } = JSON.parse(process.argv[2] as string) as ChurnTask;
const all = addresses(firstBackend, sockets, ports);
const open: Socket[] = [];
const untilMs = performance.now() + forMs;
let [next, beganMs] = [0, performance.now()];
while (performance.now() < untilMs) {
  const dueCount = Math.floor(((performance.now() - beganMs) / everyMs) * sockets);
  for (let due = dueCount; due > 0; due--) {
    const address = all[next++ % sockets] as (typeof all)[number];
    open.push(
      connect({ ...address, noDelay: true })
        .on("error", () => undefined)
        .resume(),
    );
    if (open.length > sockets) open.shift()?.destroy();
  }
  if (dueCount > 0) beganMs = performance.now();
  await sleep(portionMs);
}
for (const socket of open) socket.destroy();
process.stdout.write(`${JSON.stringify({ opened: next })}\n`, () => process.exit(0));
