import assert from "node:assert/strict";
import { channel } from "node:diagnostics_channel";
import { test } from "node:test";
import { setImmediate as turn } from "node:timers/promises";
import { CallDurations } from "../../../../src/admin/history/call-durations.ts";
import { manualClock } from "../../../../src/testing/index.ts";
import { collectGarbage } from "../../../support/heap.ts";

const target = "http://echo.test";
const ended = channel("tracing:glink:call:asyncEnd");

function publish(durationMs: number, call: object = {}): void {
  ended.publish({ target, kind: "unary", durationMs, ...call });
}

test("nobody hears calls until somebody reads, and a minute after the last reader", async () => {
  const clock = manualClock();
  const calls = new CallDurations(clock);
  assert.equal(ended.hasSubscribers, false);
  assert.equal(calls.quantiles(target), undefined);
  assert.equal(ended.hasSubscribers, true);
  await clock.advance(60_000);
  publish(1);
  await turn();
  assert.equal(ended.hasSubscribers, true, "somebody read a minute ago");
  await clock.advance(1);
  publish(1);
  await turn();
  assert.equal(ended.hasSubscribers, false);
  assert.equal(calls.quantiles(target), undefined, "what was heard is forgotten");
  calls.close();
  await turn();
  assert.equal(ended.hasSubscribers, false);
});

test("unary calls to the target count, and no others", async () => {
  const calls = new CallDurations(manualClock());
  calls.quantiles(target);
  for (let ms = 1; ms <= 100; ms++) publish(ms / 10);
  publish(30);
  publish(5_000, { kind: "server_streaming" });
  publish(5_000, { target: "http://other.test" });
  publish(5_000, { durationMs: undefined });
  assert.deepEqual(calls.quantiles(target), { p50: 5, p99: 10 });
  assert.equal(calls.quantiles("http://other.test"), undefined);
  calls.close();
  await turn();
});

test("whoever hears a call after a page that stops does hear it", async () => {
  const clock = manualClock();
  const calls = new CallDurations(clock);
  calls.quantiles(target);
  const heard: unknown[] = [];
  const listener = (message: unknown) => void heard.push(message);
  ended.subscribe(listener);
  await clock.advance(60_001);
  publish(1);
  assert.equal(heard.length, 1);
  ended.unsubscribe(listener);
  await turn();
  assert.equal(ended.hasSubscribers, false);
});

test("a page that nobody holds is let go, and the channel with it", async () => {
  const read = () => {
    const calls = new CallDurations(manualClock());
    calls.quantiles(target);
    return new WeakRef(calls);
  };
  const calls = read();
  await collectGarbage();
  assert.equal(calls.deref(), undefined);
  publish(1);
  await turn();
  assert.equal(ended.hasSubscribers, false);
});
