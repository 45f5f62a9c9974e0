import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { hasGo } from "../../support/go-tools.ts";
import { whyNoNetworks } from "../families/networks.ts";
import { buildCluster, clusterIsBuilt } from "./components.ts";

const hosts = Array.from({ length: 60 }, (_, i) => `10.244.0.${1 + i}`);

/** Why Kubernetes' API server cannot be run here; undefined where it can. */
export function whyNoCluster(): string | undefined {
  if (!clusterIsBuilt() && !hasGo()) return "it is built from Go modules, and Go is not installed";
  return whyNoNetworks();
}

/**
 * Runs a program of this repository, with this process' options for Node, in a network namespace whose addresses are the
 * pods': the API refuses slices with loopback addresses. Builds the API server first. Resolves with the exit code.
 */
export async function runInClusterNetwork(program: string, args: readonly string[]): Promise<number> {
  const namespace = `glink-kubernetes-${process.pid}`;
  buildCluster();
  ip("netns", "add", namespace);
  try {
    ip("-n", namespace, "link", "set", "lo", "up");
    for (const host of hosts) ip("-n", namespace, "addr", "add", `${host}/32`, "dev", "lo");
    // A mount that only the programs inside see: a pod's token is there.
    const script = 'mkdir -p /var/run/secrets && mount -t tmpfs tmpfs /var/run/secrets && exec "$@"';
    const inside = [process.execPath, ...process.execArgv, program, ...args];
    const child = spawn("ip", ["netns", "exec", namespace, "sh", "-c", script, "sh", ...inside], { stdio: "inherit" });
    // The program inside ends first, and then its network. A terminal tells both of Ctrl-C.
    const wait = () => undefined;
    const pass = () => child.kill("SIGTERM");
    process.on("SIGINT", wait).on("SIGTERM", pass);
    const [code, signal] = await once(child, "exit");
    process.off("SIGINT", wait).off("SIGTERM", pass);
    return signal === null ? code : 1;
  } finally {
    ip("netns", "del", namespace);
  }
}

function ip(...args: string[]): void {
  execFileSync("ip", args, { stdio: ["ignore", "ignore", "pipe"] });
}
