import assert from "node:assert/strict";
import { after } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";

/** Resources that a process has anyway, or that the test runner brings. */
const ignored = new Set([
  "PipeWrap",
  "TTYWrap",
  "FSReqPromise",
  "FSReqCallback",
  "CloseReq",
  "MessagePort",
  "FileHandle",
]);

/**
 * Checks after all tests of the calling file that no socket, server, lookup or timer is left. Call it once, at the top
 * of the file.
 */
export function checkForLeaks(): void {
  const before = count();
  after(async () => {
    // Sockets close asynchronously: they get a second.
    for (let tries = 0; tries < 40; tries++) {
      if (left(before).length === 0) return;
      await sleep(25);
    }
    assert.deepEqual(left(before), [], "resources left open after the tests");
  });
}

function count(): Map<string, number> {
  const counts = new Map<string, number>();
  for (const resource of process.getActiveResourcesInfo()) {
    if (!ignored.has(resource)) counts.set(resource, (counts.get(resource) ?? 0) + 1);
  }
  return counts;
}

function left(before: ReadonlyMap<string, number>): string[] {
  const result: string[] = [];
  for (const [resource, now] of count()) {
    // The sleep above is a timer too, and node:test keeps its own.
    const allowed = (before.get(resource) ?? 0) + (resource === "Timeout" || resource === "Immediate" ? 1 : 0);
    if (now > allowed) result.push(`${resource} × ${now - allowed}`);
  }
  return result;
}
