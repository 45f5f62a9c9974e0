import { subscribe } from "node:diagnostics_channel";
import { connect, type Socket } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { createClient } from "@connectrpc/connect";
import { Client, credentials } from "@grpc/grpc-js";
import { EchoService } from "../../proto/gen/glink/demo/v1/echo_pb.js";
import { glinkTransport, type ResolverListener, type TcpAddress } from "../../src/index.ts";
import { heapInUse } from "../memory/heap.ts";
import { quantile } from "../statistics.ts";
import { TurnMeter } from "./turns.ts";

// One measured process of bench:scale. Argument: its task, as JSON. It writes what it found as a line of JSON.

export interface ScaleTask {
  readonly peer: "glink" | "grpc-js" | "sockets";
  readonly backends: number;
  readonly port: number;
  /** The authority of the servers' certificate; undefined: plaintext. */
  readonly certificate: string | undefined;
}

/** Times in milliseconds; undefined where a peer has no such thing. */
export type ScaleReport = Readonly<Record<string, number>>;

const callsPerSecond = 500;
const phaseMs = 3_000;

/** Number `from` and onwards of 127.0.0.0/8. */
function addresses(from: number, count: number, port: number): TcpAddress[] {
  return Array.from({ length: count }, (_, i) => {
    const host = from + i + 1;
    return { host: `127.${(host >> 16) & 0xff}.${(host >> 8) & 0xff}.${host & 0xff}`, port };
  });
}

/** Calls at a fixed rate for a while, whether earlier ones were answered or not: their latencies, ascending. */
async function callsAtRate(call: () => Promise<unknown>, forMs: number): Promise<number[]> {
  const beganMs = performance.now();
  const latencies: number[] = [];
  const open: Promise<void>[] = [];
  for (let due = 0; due < (forMs / 1_000) * callsPerSecond; due++) {
    const dueMs = beganMs + (due * 1_000) / callsPerSecond;
    const waitMs = dueMs - performance.now();
    if (waitMs > 0) await sleep(waitMs);
    // From when it was due, where it is late: what a stalled event loop holds up is waited for too.
    const fromMs = Math.min(dueMs, performance.now());
    open.push(call().then(() => void latencies.push(performance.now() - fromMs)));
  }
  await Promise.all(open);
  return latencies.sort((a, b) => a - b);
}

const bytesInUse = async () => (await heapInUse()) + process.memoryUsage().external;

async function glink({ backends, port, certificate }: ScaleTask): Promise<ScaleReport> {
  let listener: ResolverListener | undefined;
  const transport = glinkTransport({
    baseUrl: `${certificate === undefined ? "http" : "https"}://localhost:${port}`,
    ...(certificate === undefined ? {} : { nodeOptions: { ca: certificate } }),
    resolver: {
      name: "bench",
      watch: (_, told) => {
        listener = told;
        told.onAddresses(addresses(0, backends, port));
        return { refresh: () => undefined, close: () => undefined };
      },
    },
  });
  const client = createClient(EchoService, transport);
  const call = () => client.unary({ text: "hello" });
  const report: Record<string, number> = {};
  let wanted = new Set<string>();
  const served = () => transport.snapshot().subchannels.filter(({ state }) => state === "ready").length;
  const ready = async (count: number) => {
    while (served() < count) await sleep(Math.max(20, backends / 50));
  };
  const before = await bytesInUse();
  const turns = new TurnMeter();
  const cpu = process.cpuUsage();
  const beganMs = performance.now();
  await call();
  report.firstCallMs = performance.now() - beganMs;
  await ready(backends);
  report.allReadyMs = performance.now() - beganMs;
  report.connectCpuMs = cpuMs(cpu);
  tellTurn(report, "connect", turns);
  report.bytesPerBackend = ((await bytesInUse()) - before) / backends;
  await callsAtRate(call, 1_000);

  const phase = async (name: string, change: () => void) => {
    turns.longest();
    const used = process.cpuUsage();
    const done = callsAtRate(call, phaseMs);
    setTimeout(change, phaseMs / 6);
    const latencies = await done;
    report[`${name}P50Ms`] = quantile(latencies, 0.5);
    report[`${name}P99Ms`] = quantile(latencies, 0.99);
    report[`${name}CpuMsPerCall`] = cpuMs(used) / latencies.length;
    tellTurn(report, name, turns);
  };
  const answer = (from: number, count: number) => {
    const list = addresses(from, count, port);
    wanted = new Set(list.map(({ host }) => host));
    listener?.onAddresses(list);
  };
  await phase("calm", () => undefined);
  await phase("sameAnswer", () => answer(0, backends));
  if (backends > 1) await phase("halfLeave", () => answer(0, backends >> 1));
  await ready(wanted.size);
  await phase("rotation", () => answer(20_000, backends));
  await ready(backends);
  turns.longest();
  await transport.close();
  tellTurn(report, "close", turns);
  return report;
}

/** The same calls of grpc-js, which has no list of backends to change. */
async function grpcJs({ backends, port, certificate }: ScaleTask): Promise<ScaleReport> {
  const list = addresses(0, backends, port).map(({ host }) => `${host}:${port}`);
  const security =
    certificate === undefined ? credentials.createInsecure() : credentials.createSsl(Buffer.from(certificate));
  const before = await bytesInUse();
  // It says no more than whether one is connected. With TLS the handshakes of the last few are left out.
  let connected = 0;
  subscribe("net.client.socket", (message) => {
    (message as { socket: Socket }).socket.once("connect", () => connected++);
  });
  const turns = new TurnMeter();
  const cpu = process.cpuUsage();
  const beganMs = performance.now();
  const client = new Client(`ipv4:${list.join(",")}`, security, {
    "grpc.service_config": JSON.stringify({ loadBalancingConfig: [{ round_robin: {} }] }),
    "grpc.ssl_target_name_override": "localhost",
    "grpc.default_authority": "localhost",
  });
  const bytes = (value: Buffer) => value;
  const call = () =>
    new Promise<void>((resolve, reject) => {
      client.makeUnaryRequest("/x/Unary", bytes, bytes, Buffer.alloc(0), (error) =>
        error ? reject(error) : resolve(),
      );
    });
  await call();
  const firstCallMs = performance.now() - beganMs;
  while (connected < backends) await sleep(20);
  const allReadyMs = performance.now() - beganMs;
  const found: Record<string, number> = { firstCallMs, allReadyMs, connectCpuMs: cpuMs(cpu) };
  tellTurn(found, "connect", turns);
  const bytesPerBackend = ((await bytesInUse()) - before) / backends;
  client.close();
  return { ...found, bytesPerBackend };
}

/** What Node's own sockets take, without anything on top. */
async function sockets({ backends, port }: ScaleTask): Promise<ScaleReport> {
  const before = await bytesInUse();
  const all: Socket[] = [];
  for (const { host } of addresses(0, backends, port)) {
    const buffer = Buffer.alloc(64);
    const socket = connect({ host, port, noDelay: true, onread: { buffer, callback: () => true } });
    all.push(socket);
    await new Promise((resolve) => socket.once("connect", resolve));
  }
  const bytesPerBackend = ((await bytesInUse()) - before) / backends;
  for (const socket of all) socket.destroy();
  return { bytesPerBackend };
}

function tellTurn(report: Record<string, number>, phase: string, turns: TurnMeter): void {
  const { wallMs, cpuMs } = turns.longest();
  report[`${phase}TurnMs`] = wallMs;
  report[`${phase}TurnCpuMs`] = cpuMs;
}

function cpuMs(since: NodeJS.CpuUsage): number {
  const { user, system } = process.cpuUsage(since);
  return (user + system) / 1_000;
}

const task = JSON.parse(process.argv[2] as string) as ScaleTask;
const run = { glink, "grpc-js": grpcJs, sockets }[task.peer];
process.stdout.write(`${JSON.stringify(await run(task))}\n`, () => process.exit(0));
