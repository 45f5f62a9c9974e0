import assert from "node:assert/strict";
import { subscribe, unsubscribe } from "node:diagnostics_channel";
import { test } from "node:test";
import { ResolverObserver } from "../../../src/observe/resolver-observer.ts";
import { ManualClock } from "../../support/manual-clock.ts";

test("a lookup that brought nothing new has an end too, before the next begins", () => {
  const heard: string[] = [];
  const note = (_: unknown, name: string | symbol) => heard.push(String(name).replace("tracing:glink:resolve:", ""));
  const channels = ["start", "asyncEnd"].map((name) => `tracing:glink:resolve:${name}`);
  for (const channel of channels) subscribe(channel, note);
  try {
    const events = { active: false, publish: () => undefined };
    const observer = new ResolverObserver("http://echo.test", events, new ManualClock());
    observer.lookupStarted();
    observer.lookupStarted();
    observer.found(3, true);
    assert.deepEqual(heard, ["start", "asyncEnd", "start", "asyncEnd"]);
    assert.equal(observer.counters.read().succeeded, 1);
  } finally {
    for (const channel of channels) unsubscribe(channel, note);
  }
});
