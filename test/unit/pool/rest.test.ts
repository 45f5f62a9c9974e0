import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { type FakePoolOptions, fakePool, TestCall } from "../../support/fake-pool.ts";

const idleTimeoutMs = 100_000;

/** A pool that looks its name up every 10 s and rests after 100 s, and how a call is made through it. */
function restfulPool(options: FakePoolOptions = {}, idleConnectionTimeoutMs = idleTimeoutMs) {
  const keepalive = { pingIntervalMs: undefined, pingIdleConnection: false, pingTimeoutMs: 1_000 };
  const scene = fakePool({
    held: false,
    rotationIntervalMs: 10_000,
    subchannel: { live: { keepalive, idleConnectionTimeoutMs } },
    ...options,
  });
  const { pool, clock, hold } = scene;
  /** Begins a call; it ends as soon as it has a backend. */
  const call = async () => {
    hold.acquire();
    const call = new TestCall(pool).start();
    await clock.advance(1);
    return call;
  };
  const end = (call: TestCall) => {
    call.stream?.finish();
    hold.release();
  };
  return { ...scene, call, end };
}

describe("a pool of which nobody asks anything for idleConnectionTimeoutMs", () => {
  test("closes its connections, its watch of the name, and every timer", async () => {
    const { pool, clock, connector, resolver, call, end, close } = restfulPool();
    const first = call();
    resolver.report("10.0.0.1", "10.0.0.2");
    end(await first);
    await clock.advance(idleTimeoutMs - 1);
    assert.ok(resolver.refreshes >= 8, "until then the list is kept fresh");
    assert.equal(resolver.closed, false);
    await clock.advance(idleTimeoutMs);
    assert.deepEqual([resolver.closed, connector.open.length, clock.pending], [true, 0, 0]);
    assert.equal(pool.started, false);
    const { refreshes } = resolver;
    await clock.advance(24 * 3_600_000);
    assert.equal(resolver.refreshes, refreshes);
    close();
  });

  test("looks the name up when a call wakes it, and dials no address that has gone meanwhile", async () => {
    const { pool, clock, connector, resolver, call, end, close } = restfulPool();
    const first = call();
    resolver.report("10.0.0.1", "10.0.0.2");
    end(await first);
    await clock.advance(3 * idleTimeoutMs);
    const stale = resolver.listener;
    const { length } = connector.dials;
    resolver.closed = false;
    const woken = await call();
    assert.notEqual(resolver.listener, stale, "it is watched anew");
    const second = new TestCall(pool).start();
    assert.deepEqual([woken.waits, second.waits, connector.dials.length], [true, true, length]);
    stale?.onAddresses([{ host: "10.0.0.9", port: 1 }]);
    stale?.onError(new Error("late"));
    await clock.advance(1);
    assert.deepEqual([woken.waits, connector.dials.length], [true, length], "a watch that was closed is not heard");
    resolver.report("10.0.0.2", "10.0.0.3");
    await clock.advance(1);
    assert.ok(["10.0.0.2:1", "10.0.0.3:1"].includes(woken.backend ?? ""), woken.backend);
    assert.equal(second.waits, false);
    assert.deepEqual(
      connector.dials
        .slice(length)
        .map(({ address }) => address)
        .sort(),
      ["10.0.0.2:1", "10.0.0.3:1"],
    );
    await clock.advance(30_000);
    assert.ok(resolver.refreshes > 0, "the list is kept fresh again");
    end(woken);
    second.stream?.finish();
    close();
    assert.equal(clock.pending, 0);
  });

  test("uses the addresses it had when the name cannot be looked up", async () => {
    const { pool, clock, resolver, call, end, close } = restfulPool();
    const first = call();
    resolver.report("10.0.0.1");
    end(await first);
    await clock.advance(3 * idleTimeoutMs);
    const woken = await call();
    assert.equal(woken.waits, true);
    resolver.listener?.onError(new Error("SERVFAIL"));
    await clock.advance(1);
    assert.equal(woken.backend, "10.0.0.1:1");
    assert.equal(pool.started, true);
    end(woken);
    close();
  });

  test("rests though no backend was ever reached, and an old failure is no answer to a new call", async () => {
    const { pool, clock, resolver, call, end, close } = restfulPool();
    const first = await call();
    resolver.listener?.onError(new Error("no such name"));
    assert.equal(first.failure?.kind, "name-resolution");
    end(first);
    await clock.advance(2 * idleTimeoutMs);
    assert.deepEqual([resolver.closed, pool.started, pool.lastFailure], [true, false, undefined]);
    const woken = await call();
    assert.equal(woken.waits, true);
    resolver.report("10.0.0.1");
    await clock.advance(1);
    assert.equal(woken.backend, "10.0.0.1:1");
    end(woken);
    close();
  });
});

test("a pool does not rest while calls come, while one is open, or with idleConnectionTimeoutMs Infinity", async () => {
  const busy = restfulPool();
  busy.pool.wake();
  busy.resolver.report("10.0.0.1");
  for (let i = 0; i < 10; i++) {
    busy.end(await busy.call());
    await busy.clock.advance(idleTimeoutMs / 2);
  }
  const open = await busy.call();
  await busy.clock.advance(10 * idleTimeoutMs);
  assert.equal(busy.resolver.closed, false);
  busy.end(open);
  const never = restfulPool({}, Number.POSITIVE_INFINITY);
  never.pool.wake();
  never.resolver.report("10.0.0.1");
  await never.clock.advance(100 * idleTimeoutMs);
  assert.equal(never.resolver.closed, false);
  assert.ok(never.resolver.refreshes > 0);
  busy.close();
  never.close();
  assert.deepEqual([busy.clock.pending, never.clock.pending], [0, 0]);
});
