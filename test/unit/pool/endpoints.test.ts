import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { Code } from "@connectrpc/connect";
import { pickFirst } from "../../../src/balancing/pick-first.ts";
import { type LoadBalancing, type PolicyUpdate, pickFromReady } from "../../../src/balancing/policy.ts";
import {
  type Attributes,
  attributeKey,
  endpointPriority,
  endpointWeight,
  endpointZone,
  noAttributes,
} from "../../../src/endpoint/attributes.ts";
import type { Endpoint } from "../../../src/endpoint/endpoint.ts";
import type { Backend } from "../../../src/subchannel/backend.ts";
import { addressOf, callsTo, type FakePoolOptions, fakePool, TestCall } from "../../support/fake-pool.ts";
import { settle } from "../../support/manual-clock.ts";

function endpoint(hosts: string | readonly string[], attributes: Attributes = noAttributes): Endpoint {
  return { addresses: [hosts].flat().map(addressOf), attributes };
}

/** Connects to all backends, and remembers what it was told. */
function recording(updates: PolicyUpdate[]): LoadBalancing {
  return {
    name: "recording",
    createPolicy: ({ publish }) => ({
      update(update) {
        updates.push(update);
        for (const backend of update.backends) backend.connect();
        const [first] = update.ready;
        publish({ pick: () => first ?? "queue" });
      },
    }),
  };
}

function endpointPool(options: FakePoolOptions = {}) {
  const all = fakePool(options);
  const resolve = async (endpoints: readonly Endpoint[], authoritative?: boolean) => {
    all.resolver.listener?.onResolution({ endpoints, authoritative });
    await settle();
  };
  all.pool.wake();
  return { ...all, resolve };
}

const idsOf = (backends: readonly Backend[] | undefined) => (backends ?? []).map(({ id }) => id);

describe("a resolver's endpoints", () => {
  test("with other attributes than before get a new picker where that was made for them", async () => {
    const weights: number[][] = [];
    const loadBalancing = pickFromReady("recording", (ready) => {
      weights.push(ready.map((backend) => backend.endpoint.attributes.get(endpointWeight)));
      return { pick: () => ready[0] ?? "queue" };
    });
    const { resolve, close } = endpointPool({ loadBalancing });
    await resolve([endpoint("10.0.0.1")]);
    await resolve([endpoint("10.0.0.1", noAttributes.with(endpointWeight, 3))]);
    assert.deepEqual(weights, [[1], [3]]);
    close();
  });

  test("with other attributes than before keep their connection, and the policy hears of them", async () => {
    const updates: PolicyUpdate[] = [];
    const { pool, connector, events, resolve, close } = endpointPool({ loadBalancing: recording(updates) });
    await resolve([endpoint("10.0.0.1"), endpoint("10.0.0.2")]);
    const [, second] = pool.subchannels;
    const before = updates.length;
    const reported = events.ofType("pool-updated").length;
    await resolve([endpoint("10.0.0.1"), endpoint("10.0.0.2", noAttributes.with(endpointWeight, 3))]);
    assert.equal(updates.length, before + 1);
    assert.deepEqual(updates.at(-1)?.changed, [second]);
    assert.equal(second?.endpoint.attributes.get(endpointWeight), 3);
    assert.equal(connector.dials.length, 2);
    assert.equal(connector.open.length, 2);
    assert.equal(events.ofType("pool-updated").length, reported, "no backend came or left");
    await resolve([endpoint("10.0.0.1"), endpoint("10.0.0.2", noAttributes.with(endpointWeight, 3))]);
    assert.equal(updates.length, before + 1, "the same again is no change");
    close();
  });

  test("are seen by the policy in the resolver's newest order; an order alone is no event", async () => {
    const updates: PolicyUpdate[] = [];
    const { events, resolver, close } = endpointPool({ loadBalancing: recording(updates) });
    resolver.report("10.0.0.1", "10.0.0.2");
    await settle();
    resolver.report("10.0.0.3", "10.0.0.2", "10.0.0.1");
    await settle();
    assert.deepEqual(idsOf(updates.at(-1)?.backends), ["10.0.0.3:1", "10.0.0.2:1", "10.0.0.1:1"]);
    const before = updates.length;
    const reported = events.ofType("pool-updated").length;
    resolver.report("10.0.0.1", "10.0.0.2", "10.0.0.3");
    await settle();
    assert.deepEqual(idsOf(updates.at(-1)?.backends), ["10.0.0.1:1", "10.0.0.2:1", "10.0.0.3:1"]);
    assert.equal(updates.length, before + 1);
    assert.deepEqual(updates.at(-1)?.changed, []);
    assert.equal(events.ofType("pool-updated").length, reported);
    close();
  });

  test("are tried by pick_first in the resolver's newest order", async () => {
    const { connector, resolver, close } = endpointPool({ loadBalancing: pickFirst() });
    resolver.report("10.0.0.1", "10.0.0.2");
    await settle();
    connector.answerWith(() => undefined);
    resolver.report("10.0.0.3", "10.0.0.1", "10.0.0.2");
    await settle();
    connector.open[0]?.lose();
    await settle();
    assert.equal(connector.last.address, "10.0.0.3:1");
    close();
  });

  test("with the same addresses count once, in whatever order and spelling, and as the first of them", async () => {
    const { pool, connector, resolve, close } = endpointPool();
    const weighted = noAttributes.with(endpointWeight, 2);
    await resolve([
      endpoint(["10.0.0.1", "fd00::1"], weighted),
      endpoint(["[fd00:0::1]:1", "10.0.0.1", "10.0.0.1"]),
      endpoint("10.0.0.1"),
    ]);
    assert.deepEqual(
      pool.subchannels.map(({ endpoint: { addresses, attributes } }) => [
        addresses.length,
        attributes.get(endpointWeight),
      ]),
      [
        [2, 2],
        [1, 1],
      ],
    );
    assert.equal(connector.dials.length, 2, "one connection for each endpoint");
    close();
  });

  test("that are not valid are an error, and the last good list stays", async () => {
    const { pool, resolve, close } = endpointPool();
    await resolve([endpoint("10.0.0.1")]);
    for (const [wrong, text] of [
      [[{ addresses: [], attributes: noAttributes }], /an endpoint needs at least one address/],
      [[{ addresses: [{ host: "", port: 1 }], attributes: noAttributes }], /is not an address/],
      [[{ addresses: [addressOf("10.0.0.2")] }], /the attributes of an endpoint are noAttributes/],
      [[{ addresses: [addressOf("10.0.0.2")], attributes: { weight: 3 } }], /the attributes of an endpoint are/],
      [[{ host: "10.0.0.2", port: 1 }], /is not an endpoint/],
      [[endpoint("10.0.0.2", noAttributes.with(endpointWeight, 0))], /the weight of an endpoint must be a number from/],
      [
        [endpoint("10.0.0.2", noAttributes.with(endpointPriority, -1))],
        /the priority of an endpoint must be an integer/,
      ],
      [[endpoint("10.0.0.2", noAttributes.with(endpointZone, ""))], /the zone of an endpoint must be a text/],
      [undefined, /cannot resolve echo.test/],
      [[], /the answer has no endpoints/],
    ] as const) {
      await resolve(wrong as never);
      assert.match(pool.lastFailure?.message ?? "", text);
      assert.deepEqual([...callsTo(pool, 1).keys()], ["10.0.0.1:1"]);
    }
    close();
  });

  test("of another copy of this package compare as our own do", () => {
    const key = attributeKey("test/rack", "");
    const ours = noAttributes.with(key, "a");
    const theirs = Object.assign(Object.create(null), {
      [Symbol.for("glink.attributes")]: new Map([[key.id, "a"]]),
    }) as Attributes;
    assert.equal(ours.equals(theirs), true);
    assert.equal(ours.with(key, "b").equals(theirs), false);
    assert.equal(noAttributes.equals(theirs), false);
  });
});

describe("an empty list of a resolver that knows that there are no endpoints", () => {
  test("empties the pool: connections drain, calls fail, and those that wait for ready wait", async () => {
    const updates: PolicyUpdate[] = [];
    const { pool, connector, events, resolve, close } = endpointPool({ loadBalancing: recording(updates) });
    await resolve([endpoint("10.0.0.1"), endpoint("10.0.0.2")]);
    const open = new TestCall(pool).start();
    await resolve([], true);
    assert.equal(pool.subchannels.length, 0);
    assert.deepEqual(updates.at(-1)?.backends, []);
    assert.deepEqual(
      updates.at(-1)?.changed.map(({ state }) => state),
      ["shutdown", "shutdown"],
    );
    assert.deepEqual(events.ofType("pool-updated").at(-1)?.removed, ["10.0.0.1:1", "10.0.0.2:1"]);
    assert.equal(open.failure, undefined);
    assert.deepEqual([...pool.draining].length, 1, "the open call goes on");
    const { failure } = new TestCall(pool).start();
    assert.equal(failure?.code, Code.Unavailable);
    assert.equal(failure?.kind, "no-backend");
    assert.equal(failure?.message, "the resolver says that echo.test has no endpoints");
    assert.equal(pool.lastFailure?.message, failure?.message);
    const patient = new TestCall(pool, { waitForReady: true }).start();
    assert.equal(patient.waits, true);
    open.stream?.finish();
    assert.equal(connector.open.length, 0);
    await resolve([endpoint("10.0.0.3")]);
    assert.equal(patient.backend, "10.0.0.3:1");
    assert.equal(pool.lastFailure, undefined);
    close();
  });

  test("fails the calls that waited for the first list", async () => {
    const { pool, resolve, close } = endpointPool();
    const call = new TestCall(pool).start();
    const patient = new TestCall(pool, { waitForReady: true }).start();
    await resolve([], true);
    assert.match(call.failure?.message ?? "", /has no endpoints/);
    assert.equal(patient.waits, true);
    close();
  });

  test("is no failed lookup", async () => {
    const { events, resolve, resolver, close } = endpointPool();
    await resolve([], true);
    assert.deepEqual(events.ofType("resolve-failed"), []);
    resolver.listener?.onError(new Error("SERVFAIL"));
    await resolve([], true);
    assert.equal(events.ofType("resolve-recovered").length, 1);
    close();
  });
});
