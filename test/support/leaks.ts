import assert from "node:assert/strict";
import { createHook } from "node:async_hooks";
import { after } from "node:test";

/** Sockets, servers, child processes, lookups and timers, by their names in async_hooks. */
const watched = new Set([
  "GETADDRINFOREQWRAP",
  "PIPESERVERWRAP",
  "PIPEWRAP",
  "PROCESSWRAP",
  "QUERYWRAP",
  "TCPCONNECTWRAP",
  "TCPSERVERWRAP",
  "TCPWRAP",
  "Timeout",
  "UDPWRAP",
]);

/**
 * Checks after all tests of the calling file that no socket, server, process, lookup or timer is left. Those that are
 * unref'd count too: all of glink's are, and Node's own list of active resources leaves them out. Call it once, at the
 * top of the file.
 */
export function checkForLeaks(): void {
  const open = new Map<number, { readonly type: string; readonly made: Error }>();
  const hook = createHook({
    init: (id, type) => {
      if (watched.has(type)) open.set(id, { type, made: new Error() });
    },
    destroy: (id) => {
      open.delete(id);
    },
  });
  hook.enable();
  const left = () => [...open.values()].filter((one) => !isAnothers(one)).map(describe);
  after(async () => {
    // Sockets close asynchronously: they get a second, and on a machine where that is one turn of the loop, some turns.
    const untilMs = performance.now() + 1_000;
    for (let turns = 0; turns < 50 || performance.now() < untilMs; turns++) {
      if (open.size === 0 || left().length === 0) break;
      await new Promise(setImmediate);
    }
    hook.disable();
    assert.deepEqual(left(), [], "left open after the tests");
  });
}

/** Timers of Node's and of the libraries beside us: grpc-js and connect-node keep some for minutes. */
function isAnothers({ type, made }: { readonly type: string; readonly made: Error }): boolean {
  const maker = makerOf(made);
  return type === "Timeout" && (maker === undefined || maker.includes("node_modules"));
}

function describe({ type, made }: { readonly type: string; readonly made: Error }): string {
  return `${type} made ${makerOf(made) ?? "by Node"}`;
}

/** The innermost line of a stack that is not Node's. */
function makerOf({ stack = "" }: Error): string | undefined {
  const [, , ...lines] = stack.split("\n");
  return lines.find((line) => !line.includes("node:"))?.trim();
}
