import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { Code } from "@connectrpc/connect";
import { type LoadBalancing, type Policy, type PolicyController, ReadyPolicy } from "../../../src/balancing/policy.ts";
import { weightedRoundRobin } from "../../../src/balancing/weighted-round-robin.ts";
import type { Backend } from "../../../src/subchannel/backend.ts";
import type { Subchannel } from "../../../src/subchannel/subchannel.ts";
import type { FakeConnection, FakeStream } from "../../support/fake-connector.ts";
import { callsTo, fakePool, renewEldest } from "../../support/fake-pool.ts";
import { loadReport } from "../../support/load-reports.ts";
import { settle } from "../../support/manual-clock.ts";

async function poolWith(loadBalancing: LoadBalancing, ...addresses: string[]) {
  const all = fakePool({ loadBalancing });
  all.pool.wake();
  all.resolver.report(...addresses);
  await settle();
  const subchannel = (index: number) => all.pool.subchannels[index] as Subchannel;
  const connection = (index: number) => subchannel(index).connections[0]?.connection as FakeConnection;
  const streams = (index: number): FakeStream[] => [...(connection(index)?.streams ?? [])];
  const only = (index: number): FakeStream => {
    assert.equal(streams(index).length, 1);
    return streams(index)[0] as FakeStream;
  };
  return { ...all, subchannel, connection, streams, only };
}

/** A policy that listens to every backend that is ready, as a user would write it. */
function listening(onMessage: (backend: Backend, message: Uint8Array) => void) {
  const all: { controller?: PolicyController; listens: boolean; ends: (() => void)[] } = { listens: true, ends: [] };
  const request = { service: "load.v1.Load", method: "Watch", message: Uint8Array.of(7) };
  const loadBalancing: LoadBalancing = {
    name: "listening",
    createPolicy(controller): Policy {
      all.controller = controller;
      const base = new ReadyPolicy(controller, (ready) => ({ pick: () => ready[0] as Backend }));
      const update: Policy["update"] = (changes) => {
        for (const backend of all.listens ? changes.changed : []) {
          all.ends.push(controller.subscribe(backend, request, (message) => onMessage(backend, message)));
        }
        base.update(changes);
      };
      return { update };
    },
  };
  return { ...all, loadBalancing, all };
}

describe("what a policy subscribes to", () => {
  test("comes from backends that are ready, message by message, and counts as no call", async () => {
    const heard: string[] = [];
    const { loadBalancing } = listening((backend, message) => heard.push(`${backend.id}: ${message}`));
    const { only, subchannel, close } = await poolWith(loadBalancing, "10.0.0.1", "10.0.0.2");
    assert.equal(only(0).request.path, "/load.v1.Load/Watch");
    assert.deepEqual([...(only(0).request.body ?? [])], [0, 0, 0, 0, 1, 7]);
    only(0).answer(Uint8Array.of(1));
    only(1).answer(Uint8Array.of(2));
    only(0).answer(Uint8Array.of(3));
    assert.deepEqual(heard, ["10.0.0.1:1: 1", "10.0.0.2:1: 2", "10.0.0.1:1: 3"]);
    assert.equal(subchannel(0).openCalls, 0);
    close();
  });

  test("is asked for again a second after it ended, and on the connection that took the old one's place", async () => {
    const heard: number[] = [];
    const { loadBalancing } = listening((_, message) => heard.push(message[0] as number));
    const { only, streams, subchannel, connection, clock, close } = await poolWith(loadBalancing, "10.0.0.1");
    only(0).answer(Uint8Array.of(1));
    only(0).endWith(Code.Unavailable);
    assert.equal(streams(0).length, 0);
    await clock.advance(1_300);
    only(0).answer(Uint8Array.of(2));
    const elder = connection(0);
    renewEldest(subchannel(0));
    await settle();
    assert.notEqual(connection(0), elder);
    assert.equal(elder.closed, true);
    await clock.advance(1_300);
    only(0).answer(Uint8Array.of(3));
    assert.deepEqual(heard, [1, 2, 3]);
    close();
  });

  test("ends when its backend is not ready, when the policy ends it, and with the pool", async () => {
    const { loadBalancing, all } = listening(() => undefined);
    const { only, streams, subchannel, connection, resolver, clock, close } = await poolWith(
      loadBalancing,
      "10.0.0.1",
      "10.0.0.2",
    );
    connection(0).lose();
    await settle();
    await clock.advance(400);
    assert.equal(subchannel(0).state, "ready");
    assert.equal(streams(0).length, 1, "the policy has asked anew");
    all.listens = false;
    for (const end of all.ends) {
      end();
      end();
    }
    assert.deepEqual([streams(0).length, streams(1).length], [0, 0]);
    await clock.advance(600_000);
    assert.deepEqual([streams(0).length, streams(1).length], [0, 0]);
    all.listens = true;
    resolver.report("10.0.0.1", "10.0.0.2", "10.0.0.3");
    await settle();
    only(2);
    close();
    assert.equal(clock.pending, 0);
  });

  test("is not asked for again where the method is unknown, and that is said once", async () => {
    const { loadBalancing } = listening(() => undefined);
    const { only, streams, events, clock, close } = await poolWith(loadBalancing, "10.0.0.1", "10.0.0.2");
    only(0).endWith(Code.Unimplemented);
    only(1).endWith(Code.Unimplemented);
    await clock.advance(600_000);
    assert.deepEqual([streams(0).length, streams(1).length], [0, 0]);
    const hints = events.ofType("hint").filter(({ hint }) => hint === "no-such-method");
    assert.equal(hints.length, 1);
    assert.match(
      hints[0]?.message ?? "",
      /^10\.0\.0\.1:1 does not have load\.v1\.Load\/Watch, which the policy listening/,
    );
    close();
  });

  test("may throw: that is reported, and the stream goes on", async () => {
    let messages = 0;
    const { loadBalancing } = listening(() => {
      messages++;
      throw new Error("bad mood");
    });
    const { only, events, close } = await poolWith(loadBalancing, "10.0.0.1");
    only(0).answer(Uint8Array.of(1));
    only(0).answer(Uint8Array.of(2));
    assert.equal(messages, 2);
    assert.deepEqual(
      events.ofType("user-code-failed").map(({ where }) => where),
      ["load-balancing policy", "load-balancing policy"],
    );
    close();
  });

  test("is nothing for a backend that is not ready, or has left", async () => {
    const { loadBalancing, all } = listening(() => undefined);
    const { pool, resolver, clock, close } = await poolWith(loadBalancing, "10.0.0.1");
    const backend = pool.subchannels[0] as Backend;
    resolver.report("10.0.0.2");
    await settle();
    const request = { service: "a.B", method: "C", message: new Uint8Array(0) };
    const pending = clock.pending;
    all.controller?.subscribe(backend, request, () => assert.fail("it has left"))();
    assert.equal(clock.pending, pending);
    close();
  });
});

describe("weightedRoundRobin, out of band", () => {
  const both = (index: number) => loadReport({ qps: 100, application: 0.2 * 2 ** index });

  test("asks each ready backend for a report every 10 s, or as often as it is told", async () => {
    for (const [outOfBandIntervalMs, duration] of [
      [undefined, [0x08, 10]],
      [1_500, [0x08, 1, 0x10, 0x80, 0xca, 0xb5, 0xee, 0x01]],
      [300_000, [0x08, 0xac, 0x02]],
    ] as const) {
      const { only, close } = await poolWith(
        weightedRoundRobin({ loadReports: "out-of-band", ...(outOfBandIntervalMs && { outOfBandIntervalMs }) }),
        "10.0.0.1",
      );
      const { path, body } = only(0).request;
      assert.equal(path, "/xds.service.orca.v3.OpenRcaService/StreamCoreMetrics");
      assert.deepEqual([...(body ?? [])].slice(5), [0x0a, duration.length, ...duration]);
      close();
    }
  });

  test("weighs by the reports of the streams, and begins anew where a backend connects anew", async () => {
    const { pool, only, subchannel, connection, clock, close } = await poolWith(
      weightedRoundRobin({ loadReports: "out-of-band", blackoutMs: 0 }),
      "10.0.0.1",
      "10.0.0.2",
    );
    for (const index of [0, 1]) only(index).answer(both(index));
    await clock.advance(1_000);
    const counts = callsTo(pool, 3_000);
    assert.ok(Math.abs((counts.get("10.0.0.1:1") ?? 0) - 2_000) <= 2, `${counts.get("10.0.0.1:1")}`);
    assert.deepEqual(pool.policyFactsOf(subchannel(0)), { loadWeight: 500 });
    connection(0).lose();
    await settle();
    assert.equal(pool.policyFactsOf(subchannel(0)), undefined);
    only(0).answer(both(1));
    assert.deepEqual(pool.policyFactsOf(subchannel(0)), { loadWeight: 250 });
    close();
  });

  test("opens no stream where reports come with calls", async () => {
    const { streams, close } = await poolWith(weightedRoundRobin(), "10.0.0.1");
    assert.equal(streams(0).length, 0);
    close();
  });
});
