/**
 * The main job of glink on real processes: `npm run demo`. Backends come, die, freeze and go, while three clients call
 * them steadily through one DNS name: glink, Connect's createGrpcTransport, and grpc-js. Exits with 0 only if glink kept
 * its promises. `--short` runs a shorter timeline. With `--resolver file` glink has its backends from a file instead of DNS,
 * with `--resolver kubernetes` from the EndpointSlices of Kubernetes' own API server.
 */
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { runInClusterNetwork, whyNoCluster } from "../test/suites/kubernetes/network.ts";
import { runDemo } from "./demo.ts";
import { FileListing, type Listing } from "./listing.ts";
import type { ResolverConfig } from "./messages.ts";
import { temporaryFolder } from "./temporary-folder.ts";
import { paceOf } from "./timeline.ts";

const { values } = parseArgs({
  options: { short: { type: "boolean", default: false }, resolver: { type: "string", default: "dns" } },
});
process.exitCode = await main(values.resolver);

async function main(name: string): Promise<number> {
  if (name === "kubernetes") return inCluster();
  if (name !== "dns" && name !== "file") {
    console.error(`--resolver knows "dns", which is the default, "file" and "kubernetes", and not "${name}"`);
    return 1;
  }
  const path = name === "file" ? join(temporaryFolder(), "backends.json") : undefined;
  const resolver: ResolverConfig = path === undefined ? { type: "dns" } : { type: "file", path };
  const listings: Listing[] = path === undefined ? [] : [new FileListing(path)];
  return runDemo({ pace: paceOf(values), serviceName: "echo.demo.test", network: "127.0.0", resolver, listings });
}

/** The demo in a network of its own, with a control plane of Kubernetes. */
async function inCluster(): Promise<number> {
  const missing = whyNoCluster();
  if (missing === undefined) {
    const program = fileURLToPath(new URL("in-cluster.ts", import.meta.url));
    return runInClusterNetwork(program, process.argv.slice(2));
  }
  console.error(
    `--resolver kubernetes runs Kubernetes' own API server, which cannot be had here: ${missing}. It needs Linux, root for a ` +
      "network namespace, and Go on PATH, which builds API server and etcd once, for some minutes. Without it, --resolver file " +
      "shows a resolver that hears of changes at once.",
  );
  return 1;
}
