import assert from "node:assert/strict";
import { setTimeout as sleep } from "node:timers/promises";
import { createClient } from "@connectrpc/connect";
import { EchoService } from "../../../proto/gen/glink/demo/v1/echo_pb.js";
import { type GlinkTransport, glinkTransport } from "../../../src/index.ts";
import { kubernetesResolver } from "../../../src/kubernetes/index.ts";
import { Load, until } from "../../support/load.ts";
import { allow, rotateToken } from "./account.ts";
import type { ControlPlane } from "./components.ts";
import { note } from "./figures.ts";
import { createService, namespace, Pod, port, zones } from "./pods.ts";

const callsPerSecond = 300;

function transportTo(service: string, options: Parameters<typeof kubernetesResolver>[0] = {}): GlinkTransport {
  const baseUrl = `http://${service}.${namespace}.svc.cluster.local:${port}`;
  return glinkTransport({ baseUrl, resolver: kubernetesResolver(options) });
}

function addressesOf(transport: GlinkTransport): string[] {
  return transport
    .snapshot()
    .subchannels.map(({ address }) => address)
    .sort();
}

/** Calls a Service of so many pods for as long as the scene lasts; no call may fail. */
async function underLoad(
  service: string,
  count: number,
  scene: (context: { pods: Pod[]; load: Load; transport: GlinkTransport }) => Promise<void>,
): Promise<void> {
  await createService(service, { clusterIP: "None" });
  const pods = await Promise.all(Array.from({ length: count }, (_, i) => Pod.ready(service, i)));
  const transport = transportTo(service);
  void transport.ready().catch(() => undefined);
  await until("all pods are known", () => transport.snapshot().subchannels.length === count);
  const load = new Load(transport, { callsPerSecond, delayMs: 5 });
  await sleep(1_000);
  await scene({ pods, load, transport });
  await sleep(500);
  await load.stop();
  note(`${service}: calls failed of ${load.results.length}`, load.failures.length, 0, "calls");
  for (const { message } of load.failures.slice(0, 3)) console.log(`     ${message}`);
  await transport.close();
  await Promise.all(pods.map((pod) => pod.remove()));
}

/** A pod becomes ready and gets its share; one begins to terminate and gets no new call, and the open one is finished. */
export async function readyAndTerminating(): Promise<void> {
  await underLoad("coming", 3, async ({ pods, load, transport }) => {
    const waits: number[] = [];
    const stops: number[] = [];
    for (let i = 0; i < 5; i++) {
      const pod = await Pod.create("coming", 3 + i);
      pods.push(pod);
      await sleep(300);
      await pod.becomeReady();
      const readyMs = performance.now();
      await until("it gets a call", () => (load.answersSince(readyMs).get(pod.address) ?? 0) > 0);
      waits.push(
        Math.min(...load.results.filter(({ backend }) => backend === pod.address).map((one) => one.endedMs)) - readyMs,
      );
      const fromMs = performance.now();
      const answers = () => [...load.answersSince(fromMs).values()].reduce((sum, calls) => sum + calls, 0);
      await until("200 calls are answered", () => answers() >= 200);
      const share = (load.answersSince(fromMs).get(pod.address) ?? 0) / answers();
      assert.ok(share > 0.15 && share < 0.35, `its share is ${share}, and not a quarter`);
      const long = createClient(EchoService, transport);
      const open = Array.from({ length: 4 }, () => long.unary({ behavior: { delayMs: 1_500 } }));
      await sleep(50);
      await pod.terminate();
      const terminatesMs = performance.now();
      const answered = await Promise.all(open);
      assert.ok(
        answered.some(({ served }) => served?.backend === pod.address),
        "an open call was finished there",
      );
      const started = load.results.filter(({ backend }) => backend === pod.address).map((one) => one.startedMs);
      stops.push(Math.max(...started) - terminatesMs);
      await pod.remove();
      pods.splice(pods.indexOf(pod), 1);
    }
    note("a pod becomes ready: its first call is answered after", Math.max(...waits), 500, "ms");
    note("a pod begins to terminate: the last new call starts after", Math.max(...stops), 200, "ms");
  });
}

/** Ten pods are replaced one by one. */
export async function rollingUpdate(): Promise<void> {
  await underLoad("rolling", 10, async ({ pods, transport }) => {
    for (let i = 0; i < 10; i++) {
      const [old] = pods.splice(0, 1);
      pods.push(await Pod.ready("rolling", 20 + i));
      await sleep(200);
      await old?.terminate();
      await sleep(500);
      await old?.remove();
    }
    await until(
      "the list is right",
      () => String(addressesOf(transport)) === String(pods.map(({ address }) => address).sort()),
    );
  });
}

/** The API server is away for a minute, and what happened meanwhile is no history of it when it is back. */
export async function serverAway(plane: ControlPlane, awayMs: number): Promise<void> {
  await underLoad("away", 4, async ({ pods, transport }) => {
    plane.killClientsServer();
    await sleep(awayMs / 2);
    const dead = pods.pop();
    await dead?.die();
    pods.push(await Pod.ready("away", 10));
    await sleep(awayMs / 2);
    await plane.startClientsServer();
    const backMs = performance.now();
    const right = () => String(addressesOf(transport)) === String(pods.map(({ address }) => address).sort());
    await until("the list is right", right, () => [addressesOf(transport), pods.map(({ address }) => address)]);
    note(
      `the API server was away for ${awayMs / 1_000} s: the list is right after`,
      performance.now() - backMs,
      2_000,
      "ms",
    );
  });
}

/** The token that this process has is worth nothing when it needs it again. */
export async function tokenRotated(plane: ControlPlane): Promise<void> {
  await underLoad("rotated", 2, async ({ pods, transport }) => {
    await rotateToken();
    plane.killClientsServer();
    await plane.startClientsServer();
    pods.push(await Pod.ready("rotated", 2));
    const rotatedMs = performance.now();
    await until("the third pod is known", () => transport.snapshot().subchannels.length === 3);
    note("the token was rotated: a new pod is known after", performance.now() - rotatedMs, 5_000, "ms");
  });
}

/** Rights that are missing are named. */
export async function forbidden(): Promise<void> {
  await createService("forbidden");
  await allow("list");
  const errors: string[] = [];
  const transport = transportTo("forbidden");
  transport.subscribe((event) => {
    if (event.type === "resolve-failed") errors.push(event.error.message);
  });
  await transport.ready({ timeoutMs: 2_000 }).catch(() => undefined);
  await until(
    "it is refused",
    () => errors.some((message) => /It lacks watch/.test(message)),
    () => errors,
  );
  await transport.close();
  await allow("list", "watch");
  note("a missing verb is named", 0, 0, "doubts");
}

/** Hints of the real controller: a client in a zone calls its own pods, and all again when those are gone. */
export async function hinted(): Promise<void> {
  await createService("hinted", { trafficDistribution: "PreferSameZone" });
  const pods = await Promise.all([0, 1, 2, 3].map((i) => Pod.ready("hinted", 40 + i)));
  const transport = transportTo("hinted", { zone: zones[0] as string });
  void transport.ready().catch(() => undefined);
  const known = () => String(addressesOf(transport));
  const near = [pods[0], pods[2]].map((pod) => pod?.address);
  await until("the pods of the zone are known", () => known() === String(near), known);
  await Promise.all([pods[0]?.remove(), pods[2]?.remove()]);
  await until("the others are", () => known() === String([pods[1], pods[3]].map((pod) => pod?.address)), known);
  await Promise.all([pods[1]?.remove(), pods[3]?.remove()]);
  await until("nobody is left", () => known() === "", known);
  note("zone hints are obeyed, and an empty Service is empty", 0, 0, "doubts");
  await transport.close();
}
