import { join } from "node:path";
import { runInClusterNetwork, whyNoCluster } from "./network.ts";

/*
 * npm run kubernetes [-- ready rolling forbidden hinted token many steady away fleet] [--quick]
 * kubernetesResolver and a real API server with etcd and the controller that writes EndpointSlices, in a network namespace.
 * For root on Linux, with Go. Prints a table.
 */

const missing = whyNoCluster();
if (missing === undefined) {
  process.exitCode = await runInClusterNetwork(join(import.meta.dirname, "inside.ts"), process.argv.slice(2));
} else {
  console.log(`kubernetes: skipped: ${missing}`);
}
