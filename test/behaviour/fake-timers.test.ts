// What docs/testing.md says of fake timers. Deadlines under them are in transport.test.ts.
import assert from "node:assert/strict";
import { test } from "node:test";
import { Code, createClient } from "@connectrpc/connect";
import { EchoService } from "../../proto/gen/glink/demo/v1/echo_pb.js";
import { checkForLeaks } from "../support/leaks.ts";
import { glinkTransport } from "../support/transport.ts";
import { errorOf, failTrailersOnly, startFleet } from "../unit/calls/scripted-server.ts";

checkForLeaks();

const minuteMs = 60_000;
const everyMinute = { initialBackoffMs: minuteMs, maxBackoffMs: minuteMs, jitter: 0 };

/** Polls without timers. */
async function until(condition: () => boolean): Promise<void> {
  const giveUpMs = performance.now() + 10_000;
  while (!condition()) {
    assert.ok(performance.now() < giveUpMs, "waited 10 s in vain");
    await new Promise(setImmediate);
  }
}

test("under fake timers a retry waits for the ticks", async (t) => {
  const fleet = await startFleet(1, failTrailersOnly(Code.Unavailable));
  const transport = glinkTransport({ baseUrl: `http://${fleet.addresses[0]}`, retry: everyMinute });
  let waits = 0;
  transport.subscribe((event) => {
    if (event.type === "attempt-failed" && event.retryDelayMs !== undefined) waits++;
  });
  await transport.ready();
  t.mock.timers.enable({ apis: ["setTimeout"] });
  const failed = errorOf(createClient(EchoService, transport).unary({}));
  for (const attempts of [1, 2]) {
    await until(() => waits === attempts);
    assert.equal(fleet.calls.length, attempts);
    t.mock.timers.tick(minuteMs);
  }
  await failed;
  assert.equal(fleet.calls.length, 3);
  t.mock.timers.reset();
  await transport.close();
  await fleet.close();
});

test("under fake timers the resolver is asked again, and a backend dialled again, by ticks", async (t) => {
  t.mock.timers.enable({ apis: ["setTimeout"] });
  let refreshes = 0;
  const transport = glinkTransport({
    baseUrl: "http://echo.test",
    reconnectBackoff: everyMinute,
    rotationIntervalMs: 10 * minuteMs,
    resolver: {
      name: "counting",
      watch: (_, listener) => {
        // Nobody listens on port 1.
        queueMicrotask(() => listener.onAddresses([{ host: "127.0.0.1", port: 1 }]));
        return { refresh: () => void refreshes++, close: () => undefined };
      },
    },
  });
  let failures = 0;
  transport.subscribe((event) => {
    if (event.type === "subchannel-state" && event.to === "transient-failure") failures++;
  });
  const ready = transport.ready({ timeoutMs: 60 * minuteMs });
  ready.catch(() => undefined);
  await until(() => failures === 1);
  t.mock.timers.tick(minuteMs);
  await until(() => failures === 2);
  const before = refreshes;
  t.mock.timers.tick(11 * minuteMs);
  assert.ok(refreshes > before);
  t.mock.timers.reset();
  await transport.close();
});
