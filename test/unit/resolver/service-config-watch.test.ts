import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import type { Resolution, ResolverListener, ResolverWatch } from "../../../src/resolver/resolver.ts";
import { ServiceConfigWatch } from "../../../src/resolver/service-config-watch.ts";
import { fakeDns } from "../../../src/testing/index.ts";
import { checkForLeaks } from "../../support/leaks.ts";
import { until } from "../../support/load.ts";
import { ManualClock } from "../../support/manual-clock.ts";
import { QuietHold } from "../../support/quiet-hold.ts";
import { constantRandom } from "../../support/random.ts";

checkForLeaks();

const record = "_grpc_config.echo.test";
const textOf = (timeout: string) =>
  `grpc_config=${JSON.stringify([{ serviceConfig: { methodConfig: [{ name: [{}], timeout }] } }])}`;

/** A real TXT record, beside addresses that a test reports by hand. */
async function watching(t: TestContext, texts: readonly string[]) {
  const dns = await fakeDns();
  dns.set(record, { texts });
  const told: Resolution[] = [];
  let lookups = 0;
  const addresses: { listener?: ResolverListener } & ResolverWatch = {
    nextLookupMs: 30_000,
    refresh: () => undefined,
    close: () => undefined,
  };
  const watch = new ServiceConfigWatch(
    { host: "echo.test", servers: [dns.address] },
    (listener) => Object.assign(addresses, { listener }),
    {
      onResolution: (resolution) => told.push(resolution),
      onAddresses: () => assert.fail("a list goes with its config"),
      onError: assert.fail,
      onLookupStarted: () => lookups++,
    },
    { clock: new ManualClock(), random: constantRandom(), hold: new QuietHold() },
  );
  t.after(() => {
    watch.close();
    return dns.close();
  });
  const report = (...hosts: readonly string[]) =>
    addresses.listener?.onAddresses(hosts.map((host) => ({ host, port: 1 })));
  return { dns, told, watch, report, addresses, lookups: () => lookups };
}

test("an answer of DNS counts once, where the service config beside it is the same as before", async (t) => {
  const { dns, told, report } = await watching(t, [textOf("1s")]);
  report("10.0.0.1", "10.0.0.2");
  await until("both are told", () => told.length === 1);
  let answers = 1;
  // One query is open at a time: where there is another, those before it were answered.
  await until("the record was read again and again", () => {
    report("10.0.0.1");
    answers++;
    return dns.queries(record) >= 4;
  });
  assert.equal(told.length, answers, "each list once, and not once more with a config that was read again");
});

test("a service config that is another is told at once, with the list as it is", async (t) => {
  const { dns, told, report } = await watching(t, [textOf("1s")]);
  report("10.0.0.1");
  await until("both are told", () => told.length === 1);
  dns.set(record, { texts: [textOf("2s")] });
  report("10.0.0.1");
  await until("the new one is told", () => JSON.stringify(told.at(-1)?.config).includes('"2s"'));
  assert.equal(told.length, 3);
});

test("lookups are seen, and when the next one is due, as without a service config", async (t) => {
  const { watch, lookups, addresses } = await watching(t, []);
  addresses.listener?.onLookupStarted?.();
  assert.deepEqual([lookups(), watch.nextLookupMs], [1, 30_000]);
});
