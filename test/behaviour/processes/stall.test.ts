// This process' own event loop stands still while calls are open (reliability P05): a busy client must not take its
// healthy servers for dead.
import assert from "node:assert/strict";
import { test } from "node:test";
import { Code, ConnectError, createClient } from "@connectrpc/connect";
import { EchoService } from "../../../proto/gen/glink/demo/v1/echo_pb.js";
import { type GlinkEvent, staticResolver } from "../../../src/index.ts";
import { checkForLeaks } from "../../support/leaks.ts";
import { until } from "../../support/load.ts";
import { TestProcesses } from "../../support/processes.ts";
import { glinkTransport } from "../../support/transport.ts";

checkForLeaks();

/** Nothing of this process runs meanwhile. */
function standStill(ms: number): void {
  const endMs = performance.now() + ms;
  while (performance.now() < endMs);
}

test("an event loop that stood still drops no healthy connection, repeats no call, and judges deadlines once", async () => {
  const processes = new TestProcesses();
  const backends = await processes.backends(2, 48);
  const transport = glinkTransport({
    baseUrl: "http://echo.test",
    resolver: staticResolver(backends.map(({ address }) => address)),
    // The connections are asked all the time, and a PING may be under way at any moment.
    pingIntervalMs: 100,
    pingTimeoutMs: 1_000,
    pingIdleConnection: true,
    // The answers to the calls of 600 ms arrive meanwhile: they are read before their attempts are judged.
    retry: { perAttemptTimeoutMs: 700 },
  });
  const events: GlinkEvent["type"][] = [];
  try {
    const client = createClient(EchoService, transport);
    await until("both backends are ready", () => {
      void transport.ready();
      return transport.snapshot().subchannels.filter(({ state }) => state === "ready").length === 2;
    });
    transport.subscribe(({ type }) => events.push(type));
    for (const stallMs of [1_300, 5_000]) {
      const long = Array.from({ length: 20 }, () => client.unary({ behavior: { delayMs: 600 } }));
      const late = Array.from({ length: 20 }, () =>
        client.unary({ behavior: { delayMs: 60_000 } }, { timeoutMs: 400 }),
      );
      const codes = Promise.all(
        late.map((call) =>
          call.then(
            () => undefined,
            (error: unknown) => ConnectError.from(error).code,
          ),
        ),
      );
      await new Promise((resolve) => setTimeout(resolve, 200));
      standStill(stallMs);
      assert.equal((await Promise.all(long)).length, 20);
      assert.deepEqual(new Set(await codes), new Set([Code.DeadlineExceeded]));
    }
    assert.deepEqual(
      events.filter((type) => type === "subchannel-state" || type === "connection-draining"),
      [],
    );
    const counters = await Promise.all(backends.map((backend) => backend.counters()));
    assert.equal(
      counters.reduce((sum, { executions }) => sum + executions, 0),
      80,
    );
  } finally {
    await transport.close({ timeoutMs: 0 });
    await processes.close();
  }
});
