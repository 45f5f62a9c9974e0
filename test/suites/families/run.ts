import { type ChildProcess, execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { promisify } from "node:util";
import { chosenEngines, type EngineName } from "../../support/engines.ts";
import type { ClientReport } from "./client.ts";
import { makeNetworks, type Networks, whyNoNetworks } from "./networks.ts";

/*
 * node --import tsx test/suites/families/run.ts [--engine node|wire|both]
 * Names with IPv4 and IPv6 addresses, and networks in which only one of the two works: in network namespaces, for root on
 * Linux. No call may fail, and a dual-stack backend counts once. Default: both engines.
 */

const runMs = 3_000;

const pods = {
  ipv4: ["10.77.0.11", "10.77.0.12"],
  ipv6: ["fd77::11", "fd77::12"],
};
const nameServers = { ipv4: "10.77.0.53", ipv6: "fd77::53" };

interface Scene {
  /** Addresses of each end, with the length of the prefix. */
  readonly client: readonly string[];
  readonly server: readonly string[];
  /** What else makes the network what it is. */
  readonly arrange?: (networks: Networks) => void;
  readonly nameServer: string;
  /** The backends that calls must end at, each once. */
  readonly expected: readonly string[];
}

const serverIpv4 = [...pods.ipv4, nameServers.ipv4].map((address) => `${address}/24`);
const serverIpv6 = [...pods.ipv6, nameServers.ipv6].map((address) => `${address}/64`);

const scenes: Readonly<Record<string, Scene>> = {
  "both families work": {
    client: ["10.77.0.1/24", "fd77::1/64"],
    server: [...serverIpv4, ...serverIpv6],
    nameServer: nameServers.ipv4,
    expected: pods.ipv4,
  },
  "a client with IPv6 only": {
    client: ["fd77::1/64"],
    server: [...serverIpv4, ...serverIpv6],
    nameServer: nameServers.ipv6,
    expected: pods.ipv6,
  },
  "a client with IPv4 only": {
    client: ["10.77.0.1/24"],
    server: [...serverIpv4, ...serverIpv6],
    nameServer: nameServers.ipv4,
    expected: pods.ipv4,
  },
  "IPv4 packets are dropped on the way": {
    client: ["10.77.0.1/24", "fd77::1/64"],
    server: serverIpv6,
    arrange: (networks) => {
      // Delivered to a host that has no such address and passes nothing on.
      for (const pod of pods.ipv4) {
        const to = networks.linkAddress("server");
        networks.ip("client", "neigh", "add", pod, "lladdr", to, "dev", "cable", "nud", "permanent");
      }
    },
    nameServer: nameServers.ipv6,
    expected: pods.ipv6,
  },
  "there is no way to the IPv4 addresses": {
    client: ["10.78.0.1/24", "fd77::1/64"],
    server: serverIpv6,
    arrange: (networks) => networks.ip("client", "route", "add", "unreachable", "10.77.0.0/24"),
    nameServer: nameServers.ipv6,
    expected: pods.ipv6,
  },
  "nothing listens on the IPv4 addresses": {
    client: ["10.77.0.1/24", "fd77::1/64"],
    server: [...serverIpv4, ...serverIpv6],
    nameServer: nameServers.ipv6,
    expected: pods.ipv6,
  },
};

/** Where servers listen: at what calls are to end at, and at the other family unless that is what is broken. */
function listening(name: string, { server, expected }: Scene): readonly string[] {
  if (name === "nothing listens on the IPv4 addresses") return expected;
  const there = new Set(server.map((address) => address.replace(/\/.*/, "")));
  return [...pods.ipv4, ...pods.ipv6].filter((address) => there.has(address));
}

const script = (name: string) => ["--import", "tsx", join(import.meta.dirname, name)];

async function startServers(networks: Networks, name: string, scene: Scene): Promise<ChildProcess> {
  const names = scene.server.map((address) => address.replace(/\/.*/, "")).filter((one) => one.endsWith("53"));
  const named = [...pods.ipv4, ...pods.ipv6];
  const lists = [names, named, listening(name, scene)].map((list) => list.join());
  const [command, ...args] = networks.command(
    "server",
    [process.execPath, ...script("server.ts"), ...lists],
    scene.nameServer,
  );
  const child = spawn(command, args, { stdio: ["ignore", "pipe", "inherit"] });
  const [first] = (await Promise.race([once(child.stdout, "data"), once(child, "exit")])) as [unknown];
  if (String(first).trim() !== "ready") throw new Error(`the servers did not start: ${String(first)}`);
  return child;
}

async function runClient(networks: Networks, scene: Scene, engine: EngineName, lookup: string): Promise<ClientReport> {
  const program = [process.execPath, ...script("client.ts"), engine, String(runMs), lookup];
  const [command, ...args] = networks.command("client", program, scene.nameServer);
  const { stdout } = await promisify(execFile)(command, args, { timeout: 60_000 });
  return JSON.parse(stdout) as ClientReport;
}

/** What is wrong with a client's report. */
function judge({ calls, failed, errors, served, ready }: ClientReport, { expected }: Scene): string[] {
  const texts = expected.map((address) => (address.includes(":") ? `[${address}]:50051` : `${address}:50051`));
  const wrong: string[] = [];
  if (errors.length > 0) wrong.push(`${failed} calls failed: ${errors.join("; ")}`);
  if (calls === 0) wrong.push("no calls were made");
  if (ready.toSorted().join() !== texts.toSorted().join()) wrong.push(`${ready.join()} are ready, not ${texts.join()}`);
  if (Object.keys(served).length < expected.length) wrong.push(`only ${Object.keys(served).join()} got calls`);
  return wrong;
}

async function play(name: string, scene: Scene, engines: readonly EngineName[]): Promise<number> {
  let failures = 0;
  const networks = makeNetworks();
  let servers: ChildProcess | undefined;
  try {
    for (const end of ["client", "server"] as const) {
      for (const address of scene[end]) {
        // No duplicate address detection: the address could not be used before it ends.
        const more = address.includes(":") ? ["nodad"] : [];
        networks.ip(end, "address", "add", address, "dev", "cable", ...more);
      }
    }
    scene.arrange?.(networks);
    servers = await startServers(networks, name, scene);
    for (const engine of engines) {
      for (const lookup of ["system", scene.nameServer]) {
        const report = await runClient(networks, scene, engine, lookup);
        const wrong = judge(report, scene);
        failures += wrong.length;
        const how = `${name}, ${lookup === "system" ? "the system's lookup" : "DNS servers"}, ${engine}`;
        console.log(`${wrong.length === 0 ? "ok" : "NOT OK"}: ${how}: ${report.calls} calls ${wrong.join("; ")}`);
      }
    }
  } finally {
    servers?.kill("SIGKILL");
    networks.remove();
  }
  return failures;
}

const reason = whyNoNetworks();
if (reason !== undefined) {
  console.log(`skipped: this machine has no network namespaces for us (${reason})`);
} else {
  let failures = 0;
  for (const [name, scene] of Object.entries(scenes)) failures += await play(name, scene, chosenEngines("both"));
  if (failures > 0) process.exitCode = 1;
}
