import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { hasGo } from "../../support/go-tools.ts";
import { whyNoNetworks } from "../families/networks.ts";
import { buildCluster } from "./components.ts";

/*
 * npm run kubernetes [-- ready rolling forbidden hinted token many steady away] [--quick]
 * kubernetesResolver and a real API server with etcd and the controller that writes EndpointSlices, in a network namespace
 * whose addresses are the pods': the API refuses slices with loopback addresses. For root on Linux, with Go. Prints a table.
 */

const namespace = `glink-kubernetes-${process.pid}`;
const hosts = Array.from({ length: 60 }, (_, i) => `10.244.0.${1 + i}`);

function ip(...args: string[]): void {
  execFileSync("ip", args, { stdio: ["ignore", "ignore", "pipe"] });
}

async function main(): Promise<number> {
  const missing = hasGo() ? whyNoNetworks() : "Go is not installed";
  if (missing !== undefined) {
    console.log(`kubernetes: skipped: ${missing}`);
    return 0;
  }
  buildCluster();
  ip("netns", "add", namespace);
  try {
    ip("-n", namespace, "link", "set", "lo", "up");
    for (const host of hosts) ip("-n", namespace, "addr", "add", `${host}/32`, "dev", "lo");
    // A mount that only the programs inside see: a pod's token is there.
    const script = 'mkdir -p /var/run/secrets && mount -t tmpfs tmpfs /var/run/secrets && exec "$@"';
    const inside = [
      process.execPath,
      ...process.execArgv,
      join(import.meta.dirname, "inside.ts"),
      ...process.argv.slice(2),
    ];
    const child = spawn("ip", ["netns", "exec", namespace, "sh", "-c", script, "sh", ...inside], { stdio: "inherit" });
    const [code, signal] = await once(child, "exit");
    return signal === null ? code : 1;
  } finally {
    ip("netns", "del", namespace);
  }
}

process.exitCode = await main();
