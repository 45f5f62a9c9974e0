import assert from "node:assert/strict";
import { subscribe, unsubscribe } from "node:diagnostics_channel";
import { test } from "node:test";
import type { GlinkEvent } from "../../../src/index.ts";
import { EventBus } from "../../../src/observe/event-bus.ts";

test("without listeners nothing is active", () => {
  const bus = new EventBus("http://echo.test");
  assert.equal(bus.active, false);
  const stop = bus.subscribe(() => undefined);
  assert.equal(bus.active, true);
  stop();
  assert.equal(bus.active, false);
});

test("every event is also a diagnostics channel", () => {
  const bus = new EventBus("http://echo.test");
  const heard: unknown[] = [];
  const listener = (message: unknown) => void heard.push(message);
  subscribe("glink:closed", listener);
  try {
    assert.equal(bus.active, true);
    bus.publish({ type: "closed" });
    const [event] = heard as GlinkEvent[];
    assert.deepEqual(heard, [{ type: "closed", target: "http://echo.test", at: event?.at }]);
    assert.ok(Math.abs((event?.at ?? 0) - Date.now()) < 60_000);
  } finally {
    unsubscribe("glink:closed", listener);
  }
  assert.equal(bus.active, false);
});

test("a function that is subscribed twice hears everything twice, and each subscription ends alone", () => {
  const bus = new EventBus("http://echo.test");
  let heard = 0;
  const listener = () => heard++;
  const first = bus.subscribe(listener);
  const second = bus.subscribe(listener);
  bus.publish({ type: "closed" });
  assert.equal(heard, 2);
  first();
  first();
  bus.publish({ type: "closed" });
  assert.equal(heard, 3);
  second();
  assert.equal(bus.active, false);
});
