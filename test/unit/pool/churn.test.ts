import assert from "node:assert/strict";
import { test } from "node:test";
import { checkAvailabilityOptions } from "../../../src/availability/availability-options.ts";
import {
  type Backend,
  leastRequest,
  peakEwma,
  pickFirst,
  pickFromReady,
  randomPick,
  ringHash,
  roundRobin,
  weightedRoundRobin,
} from "../../../src/index.ts";
import { fakePool, renewEldest, TestCall } from "../../support/fake-pool.ts";
import { settle } from "../../support/manual-clock.ts";
import { seededRandom } from "../../support/random.ts";

const policies = {
  roundRobin,
  leastRequest,
  peakEwma,
  weightedRoundRobin,
  randomPick,
  pickFirst,
  ringHash: () => ringHash({ key: () => "one" }),
  "a user's own": () => pickFromReady("first", ([backend]) => ({ pick: () => backend as Backend })),
};

const subsetSize = 3;
const connections = { min: 2, max: 4 };

for (const [name, make] of Object.entries(policies)) {
  test(`${name}: no call fails or is forgotten while lists shrink and grow, and connections are lost, replaced, limited and sent away`, async () => {
    const { pool, connector, resolver, clock, close } = fakePool({
      loadBalancing: make(),
      availability: checkAvailabilityOptions({ slowStartMs: 5_000 }),
      subsetSize,
      zone: "a",
      random: seededRandom(11),
      subchannel: { connections },
    });
    connector.answerWith((dial) => dial.succeed(5));
    const { next } = seededRandom(5);
    const below = (count: number) => Math.floor(next() * count);
    const happenings = [
      () => {
        const count = 1 + below(11);
        resolver.report(...Array.from({ length: count }, (_, i) => `10.0.0.${i + below(3)}`));
      },
      () => connector.open[below(connector.open.length)]?.lose(),
      () => connector.open[below(connector.open.length)]?.goaway(),
      () => connector.open[below(connector.open.length)]?.allow(1 + below(5)),
      () => {
        const backend = pool.subchannels[below(pool.subchannels.length)];
        if (backend?.state === "ready") renewEldest(backend);
      },
      () => undefined,
    ];
    pool.wake();
    resolver.report("10.0.0.1");
    const calls: TestCall[] = [];
    for (let round = 0; round < 100; round++) {
      happenings[below(happenings.length)]?.();
      calls.push(...[1, 2, 3].map(() => new TestCall(pool).start()));
      await settle();
      await clock.advance(500);
      for (const call of calls.slice(-9, -6)) call.stream?.finish();
      for (const { connections: own } of pool.subchannels) assert.ok(own.length <= connections.max);
      assert.ok(pool.subchannels.length <= 2 * subsetSize);
    }
    for (const call of calls) call.stream?.finish();
    await clock.advance(20_000);
    assert.deepEqual(
      calls.filter(({ failure, waits }) => failure !== undefined || waits),
      [],
    );
    close();
    assert.deepEqual([clock.pending, connector.open.length], [0, 0]);
  });
}
