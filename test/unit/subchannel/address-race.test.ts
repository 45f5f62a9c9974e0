import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { Failure } from "../../../src/base/errors.ts";
import { noAttributes } from "../../../src/endpoint/attributes.ts";
import { BackendCounters } from "../../../src/subchannel/call-connection.ts";
import { EndpointDial } from "../../../src/subchannel/endpoint-dial.ts";
import { FakeConnector } from "../../support/fake-connector.ts";
import { addressOf, subchannelOptions } from "../../support/fake-pool.ts";
import { ManualClock, settle } from "../../support/manual-clock.ts";
import { QuietHold } from "../../support/quiet-hold.ts";

/** A dial of an endpoint of these addresses, begun. */
function dialOf(...hosts: string[]) {
  const clock = new ManualClock();
  const connector = new FakeConnector();
  const ends: (string | Failure)[] = [];
  const { runtime, observer } = subchannelOptions(connector, clock, new QuietHold());
  const context = { runtime, observer, counters: new BackendCounters() };
  const dial = new EndpointDial({ addresses: hosts.map(addressOf), attributes: noAttributes }, context, {
    onConnected: ({ address }) => ends.push(address),
    onFailed: (failure) => ends.push(failure),
  });
  dial.start(connector);
  return { clock, connector, ends, dial, dialled: () => connector.dials.map(({ address }) => address) };
}

describe("an endpoint of several addresses", () => {
  test("is dialled at its first address alone while that has not been silent for 250 ms", async () => {
    const { clock, connector, dialled, ends } = dialOf("10.0.0.1", "10.0.0.2");
    await clock.advance(249);
    assert.deepEqual(dialled(), ["10.0.0.1:1"]);
    connector.last.succeed();
    await settle();
    await clock.advance(10_000);
    assert.deepEqual(dialled(), ["10.0.0.1:1"]);
    assert.deepEqual(ends, ["10.0.0.1:1"]);
    assert.equal(clock.pending, 0);
  });

  test("is dialled at one more address every 250 ms, with IP versions in turn", async () => {
    const { clock, dialled } = dialOf("10.0.0.1", "10.0.0.2", "10.0.0.3", "fd00::1");
    for (let count = 1; count <= 4; count++) {
      assert.equal(dialled().length, count);
      await clock.advance(249);
      assert.equal(dialled().length, count);
      await clock.advance(1);
    }
    assert.deepEqual(dialled(), ["10.0.0.1:1", "[fd00::1]:1", "10.0.0.2:1", "10.0.0.3:1"]);
    assert.equal(clock.pending, 0, "nothing is left to wait for but the dials");
  });

  test("is dialled at the next address at once when the newest dial fails, and not when an older one does", async () => {
    const { clock, connector, dialled } = dialOf("10.0.0.1", "10.0.0.2", "10.0.0.3", "10.0.0.4");
    connector.last.fail();
    await settle();
    assert.deepEqual(dialled(), ["10.0.0.1:1", "10.0.0.2:1"]);
    await clock.advance(250);
    assert.equal(dialled().length, 3);
    connector.dials[1]?.fail();
    await settle();
    assert.equal(dialled().length, 3, "the newest has its 250 ms");
    await clock.advance(250);
    assert.equal(dialled().length, 4);
  });

  test("is connected by whichever address is ready first: the others are given up, and late ones closed", async () => {
    const { clock, connector, ends } = dialOf("10.0.0.1", "10.0.0.2", "10.0.0.3");
    await clock.advance(250);
    const [first, second] = connector.dials;
    second?.succeed();
    const late = first?.succeed();
    await settle();
    assert.deepEqual(ends, ["10.0.0.2:1"]);
    assert.equal(late?.closed, true);
    assert.equal(second?.connection?.closed, false);
    await clock.advance(10_000);
    assert.equal(connector.dials.length, 2);
    assert.equal(clock.pending, 0);
  });

  test("goes on to the next address when the one that answered allows no streams", async () => {
    const { connector, ends } = dialOf("10.0.0.1", "10.0.0.2");
    connector.last.succeed(0);
    await settle();
    connector.last.succeed();
    await settle();
    assert.deepEqual(ends, ["10.0.0.2:1"]);
    assert.equal(connector.open.length, 1);
  });

  test("fails when all addresses have, and says of each why", async () => {
    const { clock, connector, ends } = dialOf("10.0.0.1", "10.0.0.2");
    connector.last.fail();
    await settle();
    assert.deepEqual(ends, []);
    connector.last.fail("ETIMEDOUT");
    await settle();
    const [failure] = ends as Failure[];
    assert.equal(
      failure?.message,
      "none of the 2 addresses can be reached: 10.0.0.1:1: cannot connect: connect ECONNREFUSED 10.0.0.1:1; " +
        "10.0.0.2:1: cannot connect: connect ETIMEDOUT 10.0.0.2:1",
    );
    assert.equal(failure?.address, "10.0.0.1:1,10.0.0.2:1");
    assert.equal((failure?.cause as { code?: string } | undefined)?.code, undefined, "they have no reason in common");
    assert.equal(ends.length, 1);
    assert.equal(clock.pending, 0);
  });

  test("that refuses at every address is told from one that does so at some", async () => {
    const { connector, ends } = dialOf("10.0.0.1", "10.0.0.2");
    connector.last.fail();
    await settle();
    connector.last.fail();
    await settle();
    assert.equal(((ends[0] as Failure).cause as { code?: string }).code, "ECONNREFUSED");
  });

  test("is given up with all its dials and its timer", async () => {
    const { clock, connector, dial, ends } = dialOf("10.0.0.1", "10.0.0.2", "10.0.0.3");
    await clock.advance(250);
    dial.giveUp();
    assert.ok(connector.dials.every(({ givenUp }) => givenUp));
    for (const one of connector.dials) one.succeed();
    await clock.advance(10_000);
    assert.deepEqual(ends, []);
    assert.equal(connector.open.length, 0);
    assert.equal(connector.dials.length, 2);
    assert.equal(clock.pending, 0);
  });
});
