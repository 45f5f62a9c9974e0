/** The demo where pods have addresses of their own: `npm run demo -- --resolver kubernetes` runs this in a network namespace. */
import { parseArgs } from "node:util";
import { createAccount } from "../test/suites/kubernetes/account.ts";
import { ControlPlane } from "../test/suites/kubernetes/components.ts";
import { createNodes, createService, namespace, port } from "../test/suites/kubernetes/pods.ts";
import { runDemo } from "./demo.ts";
import { PodListing } from "./pod-listing.ts";
import { temporaryFolder } from "./temporary-folder.ts";
import { paceOf } from "./timeline.ts";

const service = "echo";
const { values } = parseArgs({ options: { short: { type: "boolean", default: false }, resolver: { type: "string" } } });

const plane = new ControlPlane(temporaryFolder());
try {
  console.log("Kubernetes' API server, etcd and the controller of EndpointSlices start.");
  await plane.start();
  await createNodes();
  await createAccount(plane.caPath);
  await createService(service, { clusterIP: "None" });
  process.exitCode = await runDemo({
    pace: paceOf(values),
    serviceName: `${service}.${namespace}.svc.cluster.local`,
    network: "10.244.0",
    port,
    // In a pod nothing needs to be said.
    resolver: { type: "kubernetes", options: {} },
    listings: [new PodListing(service)],
  });
} finally {
  await plane.close();
}
