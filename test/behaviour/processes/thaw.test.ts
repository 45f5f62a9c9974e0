// The client itself is stopped (SIGSTOP, a frozen container, reliability P06), and the world goes on without it.
import assert from "node:assert/strict";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { messageOf, Processes } from "../../../demo/processes.ts";
import { checkForLeaks } from "../../support/leaks.ts";
import { noSignals } from "../../support/platform.ts";
import { TestProcesses } from "../../support/processes.ts";
import type { FromStoppedClient, StoppedClientConfig } from "./stopped-client.ts";

checkForLeaks();

test("a client that was stopped goes on: of its backends one has died, one says nothing any more, and no call fails", {
  skip: noSignals,
}, async () => {
  const processes = new TestProcesses();
  const clients = new Processes();
  try {
    const backends = await processes.backends(3, 52);
    const config: StoppedClientConfig = {
      addresses: backends.map(({ address }) => address),
      pingIntervalMs: 500,
      rotationIntervalMs: 1_000,
    };
    const client = clients.start(new URL("stopped-client.ts", import.meta.url), config);
    await messageOf<FromStoppedClient, "calling">(client, "calling");
    const reported = messageOf<FromStoppedClient, "report">(client, "report");
    client.kill("SIGSTOP");
    backends[1]?.kill("SIGKILL");
    backends[2]?.kill("SIGSTOP");
    await sleep(2_000);
    client.kill("SIGCONT");
    const { ranMs, before, after, lookups, failedDials, pings } = await reported;
    assert.deepEqual([Object.keys(before), after], [["OK"], { OK: 60 }]);
    // Nothing is made up for: timers that were due many times over fire once.
    assert.ok(lookups <= ranMs / 1_000 + 3, `${lookups} lookups in ${ranMs} ms`);
    assert.ok(pings >= 1 && pings <= ranMs / 500 + 2, `${pings} PINGs in ${ranMs} ms`);
    // 250 ms, 400, 640, 1 024 … lie between two dials of each.
    assert.ok(
      failedDials <= 2 * (3 + Math.log(1 + ranMs / 250) / Math.log(1.6)),
      `${failedDials} dials in ${ranMs} ms`,
    );
  } finally {
    await clients.close();
    await processes.close();
  }
});
