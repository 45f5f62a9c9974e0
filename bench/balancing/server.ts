import { createServer } from "node:http2";
import type { AddressInfo } from "node:net";
import { createInterface } from "node:readline";
import { setTimeout as sleep } from "node:timers/promises";
import { Code, ConnectError } from "@connectrpc/connect";
import { connectNodeAdapter } from "@connectrpc/connect-node";
import { EchoService } from "../../proto/gen/glink/demo/v1/echo_pb.js";
import type { Behaviour } from "./real-servers.ts";

/*
 * One server of bench/balancing, in a process of its own. Says its port, answers each line of its input with how many calls
 * came, and ends with its input.
 */

const behaviour = JSON.parse(process.argv[2] as string) as Behaviour;
const { workers = Number.POSITIVE_INFINITY } = "fails" in behaviour ? {} : behaviour;
let calls = 0;
let busy = 0;
/** Calls that wait for a worker, the eldest first. */
const waiting: (() => void)[] = [];

async function work(delayMs: number): Promise<void> {
  if (busy >= workers) await new Promise<void>((resolve) => waiting.push(resolve));
  else busy++;
  await sleep(delayMs);
  const next = waiting.shift();
  if (next === undefined) busy--;
  else next();
}

const unary = async () => {
  calls++;
  if ("fails" in behaviour) throw new ConnectError("not now", Code.Unavailable);
  await work(behaviour.delayMs);
  return {};
};

const server = createServer(connectNodeAdapter({ routes: (router) => router.service(EchoService, { unary }) }));
server.listen(0, "127.0.0.1", () => console.log((server.address() as AddressInfo).port));
createInterface({ input: process.stdin })
  .on("line", () => console.log(calls))
  .on("close", () => process.exit(0));
