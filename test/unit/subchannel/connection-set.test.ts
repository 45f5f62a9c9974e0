import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { Subchannel } from "../../../src/subchannel/subchannel.ts";
import { type FakePoolOptions, fakePool, renewEldest, TestCall } from "../../support/fake-pool.ts";
import { settle } from "../../support/manual-clock.ts";

/** A pool of one backend that has two connections, which share its calls. */
async function twoConnections(options: FakePoolOptions = {}) {
  const connections = { min: 2, max: 2 };
  const all = fakePool({ ...options, subchannel: { connections, ...options.subchannel } });
  const { pool, connector, resolver } = all;
  pool.wake();
  resolver.report("10.0.0.1");
  await settle();
  const [subchannel] = pool.subchannels as [Subchannel];
  await settle();
  const [first, second] = connector.open;
  assert.ok(first !== undefined && second !== undefined);
  const states = () => all.events.ofType("subchannel-state").map(({ from, to }) => `${from} > ${to}`);
  return { ...all, subchannel, first, second, states };
}

describe("a backend with two connections", () => {
  test("spreads its calls over both, and counts the calls of both", async () => {
    const { pool, subchannel, first, second, close } = await twoConnections();
    for (let i = 0; i < 10; i++) new TestCall(pool).start();
    assert.deepEqual([first.openStreams, second.openStreams], [5, 5]);
    assert.equal(subchannel.openCalls, 10);
    assert.deepEqual(
      subchannel.connections.map(({ openCalls, calls }) => [openCalls, calls]),
      [
        [5, 5],
        [5, 5],
      ],
    );
    close();
  });

  test("has room until both are full, and again when one has", async () => {
    const { pool, subchannel, first, second, close } = await twoConnections();
    first.allow(1);
    second.allow(1);
    const calls = [1, 2, 3].map(() => new TestCall(pool).start());
    assert.deepEqual(
      calls.map(({ waits }) => waits),
      [false, false, true],
    );
    assert.equal(subchannel.hasRoom, false);
    calls[1]?.stream?.finish();
    assert.equal(calls[2]?.waits, false, "it got the slot");
    assert.equal(subchannel.hasRoom, false);
    calls[0]?.stream?.finish();
    assert.equal(subchannel.hasRoom, true);
    close();
  });

  test("stays ready when one is lost, and the calls of the other go on", async () => {
    const { pool, connector, subchannel, first, second, states, resolver, close } = await twoConnections();
    connector.answerWith((dial) => dial.fail());
    const calls = [new TestCall(pool).start(), new TestCall(pool).start()];
    const before = states();
    const { refreshes } = resolver;
    first.lose();
    await settle();
    assert.equal(subchannel.state, "ready");
    assert.deepEqual(states(), before);
    assert.equal(pool.readyCount, 1);
    assert.equal(resolver.refreshes, refreshes + 1, "a loss may mean that the list is out of date");
    assert.equal(subchannel.connections.length, 1);
    assert.equal(second.openStreams, 1);
    const next = new TestCall(pool).start();
    assert.equal(next.stream?.connection, second);
    assert.ok(calls.every(({ failure }) => failure === undefined));
    second.lose();
    assert.equal(subchannel.state, "transient-failure");
    close();
  });

  test("leaves ready when both have drained, and not before", async () => {
    const { pool, subchannel, first, second, connector, events, close } = await twoConnections();
    connector.answerWith((dial) => dial.fail());
    for (const live of subchannel.connections) live.noteAnswer();
    const [call] = [new TestCall(pool).start(), new TestCall(pool).start()];
    first.goaway();
    await settle();
    assert.equal(subchannel.state, "ready");
    assert.equal([...pool.draining].length, 1);
    second.goaway();
    assert.equal(subchannel.state, "idle");
    assert.equal([...pool.draining].length, 2);
    assert.equal(first.closed, false);
    call?.stream?.finish();
    assert.equal(first.closed, true);
    assert.equal(events.ofType("goaway").length, 2);
    close();
  });

  test("is suspect when both are: until then calls go to the one that answers", async () => {
    const { pool, subchannel, first, second, events, close } = await twoConnections();
    new TestCall(pool).start();
    new TestCall(pool).start();
    const [one, other] = subchannel.connections;
    one?.suspect();
    await settle();
    assert.equal(subchannel.availability, "usable");
    for (let i = 0; i < 3; i++) assert.equal(new TestCall(pool).start().stream?.connection, second);
    assert.deepEqual(events.ofType("subchannel-suspect"), []);
    other?.suspect();
    await settle();
    assert.equal(subchannel.availability, "suspect");
    assert.equal(events.ofType("subchannel-suspect").length, 1);
    first.answerPing();
    await settle();
    assert.equal(subchannel.availability, "usable");
    assert.equal(events.ofType("subchannel-usable").length, 1);
    second.lose();
    await settle();
    assert.equal(subchannel.availability, "usable");
    close();
  });

  test("has each replaced at its age, and the successor of one that is lost meanwhile serves all the same", async () => {
    const { pool, clock, subchannel, first, second, connector, close } = await twoConnections({
      subchannel: { maxConnectionAgeMs: 60_000 },
    });
    await clock.advance(130_000);
    assert.ok(first.closed && second.closed);
    assert.equal(subchannel.connections.length, 2);
    assert.equal(pool.readyCount, 1);
    connector.answerWith(() => undefined);
    const outcomes: boolean[] = [];
    renewEldest(subchannel, (replaced) => outcomes.push(replaced));
    const renewal = connector.last;
    connector.open[0]?.lose();
    assert.deepEqual(outcomes, []);
    assert.equal(connector.last, renewal, "it is the one that makes two again");
    renewal.succeed();
    await settle();
    assert.deepEqual(outcomes, [true]);
    assert.equal(subchannel.connections.length, 2);
    close();
    assert.equal(clock.pending, 0);
  });
});
