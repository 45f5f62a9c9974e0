import assert from "node:assert/strict";
import { after } from "node:test";
import { type OpenResource, OpenResources } from "../../src/testing/open-resources.ts";

/**
 * Checks after all tests of the calling file that no socket, server, process, lookup or timer is left, whoever made it.
 * Call it once, at the top of the file.
 */
export function checkForLeaks(): void {
  const resources = new OpenResources(10);
  resources.start();
  after(async () => {
    const left = await resources.left((one) => !isAnothers(one));
    resources.stop();
    assert.deepEqual(left.map(describeResource), [], "left open after the tests");
  });
}

/** Timers of Node's and of the libraries beside us: grpc-js and connect-node keep some for minutes. */
export function isAnothers(resource: OpenResource): boolean {
  const maker = makerOf(resource);
  return resource.type === "Timeout" && (maker === undefined || maker.includes("node_modules"));
}

/** A resource as a finding tells it. */
export function describeResource(resource: OpenResource): string {
  return `${resource.type} made ${makerOf(resource) ?? "by Node"}`;
}

/** The innermost line that is neither Node's nor of the watching itself. */
function makerOf({ madeAt }: OpenResource): string | undefined {
  return madeAt.find((line) => !line.includes("node:") && !line.includes("/open-resources.ts"));
}
