import assert from "node:assert/strict";
import { test } from "node:test";
import type { LoadBalancing } from "../../../src/balancing/policy.ts";
import type { Resolver } from "../../../src/resolver/resolver.ts";
import { fakePool, TestCall } from "../../support/fake-pool.ts";
import { settle } from "../../support/manual-clock.ts";

test("whoever listens for changes hears of them until it stops, and not after", async () => {
  const { pool, resolver, close } = fakePool();
  let heard = 0;
  const stop = pool.onChange(() => heard++);
  pool.wake();
  resolver.report("10.0.0.1");
  await settle();
  const before = heard;
  assert.ok(before > 0);
  stop();
  resolver.report("10.0.0.1", "10.0.0.2");
  await settle();
  assert.equal(heard, before);
  close();
});

test("a graceful GOAWAY asks the resolver again: its server is about to leave", async () => {
  const { pool, connector, resolver, close } = fakePool();
  pool.wake();
  resolver.report("10.0.0.1");
  await settle();
  connector.open[0]?.goaway();
  assert.equal(resolver.refreshes, 1);
  close();
});

test("the last failure is the newest one, whatever the order of the backends", async () => {
  const { pool, clock, connector, resolver, close } = fakePool({ connects: false });
  pool.wake();
  resolver.report("10.0.0.1", "10.0.0.2");
  await settle();
  connector.dialsOf("10.0.0.1:1")[0]?.fail("ECONNREFUSED");
  await clock.advance(100);
  connector.dialsOf("10.0.0.2:1")[0]?.fail("EHOSTUNREACH");
  await settle();
  assert.match(pool.lastFailure?.message ?? "", /EHOSTUNREACH/);
  resolver.report("10.0.0.1");
  await settle();
  assert.match(pool.lastFailure?.message ?? "", /ECONNREFUSED/, "a backend that has left is no reason any more");
  close();
});

test("a resolver or a policy whose methods are async ends no process by what they reject with", async () => {
  const failing = (what: string) => () => Promise.reject(new Error(`cannot ${what}`));
  const resolver: Resolver = {
    name: "async",
    watch: (_, listener) => {
      listener.onAddresses([{ host: "10.0.0.1", port: 1 }]);
      return { refresh: failing("refresh"), close: failing("close the watch") };
    },
  };
  const loadBalancing: LoadBalancing = {
    name: "async",
    createPolicy: () => ({ update: failing("update"), close: failing("close the policy") }),
  };
  const { pool, events, close } = fakePool({ resolver, loadBalancing });
  pool.wake();
  await settle();
  pool.refresh();
  await settle();
  assert.match(events.ofType("resolve-failed")[0]?.error.message ?? "", /cannot refresh/);
  assert.match(new TestCall(pool).start().failure?.message ?? "", /the load-balancing policy threw: cannot update/);
  close();
  await settle();
  assert.deepEqual(
    events.ofType("user-code-failed").map(({ error }) => (error as Error).message),
    ["cannot update", "cannot close the watch", "cannot close the policy"],
  );
});

test("records of a registry that have fields of their own are addresses all the same", async () => {
  const { pool, connector, resolver, close } = fakePool();
  pool.wake();
  const record = (host: string) => ({ host, port: 1, path: undefined, zone: "a" });
  resolver.listener?.onAddresses([record("10.0.0.1"), record("10.0.0.2")]);
  await settle();
  assert.deepEqual(
    connector.dials.map(({ address }) => address),
    ["10.0.0.1:1", "10.0.0.2:1"],
  );
  close();
});
