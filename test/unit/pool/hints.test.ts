import assert from "node:assert/strict";
import { test } from "node:test";
import { fakePool, ManualResolver, TestCall } from "../../support/fake-pool.ts";
import { settle } from "../../support/manual-clock.ts";

test("a name with a single address is a hint to use a headless Service, once", async () => {
  const resolver = new ManualResolver("dns");
  const { pool, events, close } = fakePool({ resolver });
  pool.wake();
  resolver.report("10.0.0.1");
  resolver.report("10.0.0.2");
  await settle();
  const hints = events.ofType("hint");
  assert.equal(hints.length, 1);
  assert.equal(hints[0]?.hint, "single-address");
  assert.match(
    hints[0]?.message ?? "",
    /echo\.test resolved to 1 address: .*use a headless Service \(clusterIP: None\)/,
  );
  close();
});

test("several addresses, a list of the user's own, and localhost are no reason for a hint", async () => {
  for (const [name, host, ...addresses] of [
    ["dns", "echo.test", "10.0.0.1", "10.0.0.2"],
    ["static", "echo.test", "10.0.0.1"],
    ["dns", "localhost", "127.0.0.1"],
    ["dns", "echo.localhost", "127.0.0.1"],
  ] as const) {
    const resolver = new ManualResolver(name);
    const { pool, events, close } = fakePool({ resolver, target: { host, port: 1 } });
    pool.wake();
    resolver.report(...addresses);
    await settle();
    assert.deepEqual(events.ofType("hint"), []);
    close();
  }
});

test("ECONNREFUSED from every address is a hint to use the pod port, once, and the call's error says it too", async () => {
  const { pool, clock, connector, events, resolver, close } = fakePool({ connects: false });
  connector.answerWith((dial) => dial.fail());
  pool.wake();
  const call = new TestCall(pool).start();
  resolver.report("10.0.0.1", "10.0.0.2");
  await clock.advance(5_000);
  const hints = events.ofType("hint");
  assert.equal(hints.length, 1);
  assert.equal(hints[0]?.hint, "all-refused");
  assert.match(hints[0]?.message ?? "", /every address of echo\.test refuses .*ECONNREFUSED.*pod port/);
  assert.match(call.failure?.message ?? "", /pod port/);
  close();
});

test("on this machine the advice is to look whether the server is up: there is no Service between", async () => {
  const { pool, clock, connector, events, resolver, close } = fakePool({ connects: false });
  connector.answerWith((dial) => dial.fail());
  pool.wake();
  const call = new TestCall(pool).start();
  resolver.report("127.0.0.1", "127.0.0.2");
  await clock.advance(5_000);
  for (const text of [events.ofType("hint")[0]?.message ?? "", call.failure?.message ?? ""]) {
    assert.match(text, /is the server up, and is this its port\?/);
    assert.doesNotMatch(text, /pod port/);
  }
  close();
});

test("another failure among the refusals is no such hint", async () => {
  const { pool, connector, events, resolver, close } = fakePool({ connects: false });
  connector.answerWith((dial) => dial.fail(dial.number === 0 ? "ECONNREFUSED" : "ETIMEDOUT"));
  pool.wake();
  resolver.report("10.0.0.1", "10.0.0.2");
  await settle();
  assert.deepEqual(events.ofType("hint"), []);
  close();
});
