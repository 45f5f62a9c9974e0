import { createInterface } from "node:readline";
import type { PeerName } from "../loads.ts";
import { measure } from "./measure.ts";
import { openLoop } from "./open-loop.ts";
import type { OpenPeer } from "./peer.ts";
import type { MeasureCommand, OpenLoopCommand, Task } from "./task.ts";

// One client process. Its argument is a Task; each line on standard input a MeasureCommand, answered by a Measurement
// on standard output, or an OpenLoopCommand; the first line out, an empty object, says that it is connected. It ends with
// its input.

/** A process loads the library it measures, and no other. */
const peers: Record<Exclude<PeerName, "grpc-go" | "connect-go">, () => Promise<{ open: OpenPeer }>> = {
  floor: () => import("./floor.ts"),
  tcp: () => import("./tcp.ts"),
  createGrpcTransport: () => import("./connect-node.ts"),
  createGrpcWebTransport: () => import("./connect-node.ts"),
  createConnectTransport: () => import("./connect-node.ts"),
  "grpc-js": () => import("./grpc-js.ts"),
  glink: () => import("./glink.ts"),
  "glink-node": () => import("./glink.ts"),
  "no-network": () => import("./no-network.ts"),
};

const task = JSON.parse(process.argv[2] as string) as Task;
const { open } = await peers[task.peer as keyof typeof peers]();
const peer = await open(task);
say({});
for await (const line of createInterface({ input: process.stdin })) {
  const command = JSON.parse(line) as MeasureCommand | OpenLoopCommand;
  say("perSecond" in command ? await openLoop(() => peer.run(), command) : await measure(peer, task.load, command));
}
await peer.close();

function say(value: object): void {
  process.stdout.write(`${JSON.stringify(value)}\n`);
}
