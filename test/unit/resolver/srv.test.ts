import assert from "node:assert/strict";
import { describe, type TestContext, test } from "node:test";
import { type SrvResolverOptions, srvResolver } from "../../../src/index.ts";
import { type DnsAnswer, fakeDns } from "../../../src/testing/index.ts";
import { checkForLeaks } from "../../support/leaks.ts";
import { until } from "../../support/load.ts";
import { watchEndpoints } from "./watching-endpoints.ts";
// Loaded late, which takes time of the lookups that are measured here.
import "../../../src/resolver/service-lookup.ts";

checkForLeaks();

const name = "_grpc._tcp.echo.test";

async function watching(
  t: TestContext,
  records: Readonly<Record<string, DnsAnswer>>,
  options: SrvResolverOptions = {},
) {
  const server = await fakeDns();
  t.after(() => server.close());
  for (const [host, answer] of Object.entries(records)) server.set(host, answer);
  const resolver = srvResolver({ servers: [server.address], timeoutMs: 2_000, ...options });
  const reports = watchEndpoints(resolver, { host: "echo.test", port: 80 });
  t.after(() => reports.close());
  return { server, ...reports };
}

const service = (target: string, port: number, priority = 0, weight = 1) => ({ target, port, priority, weight });

describe("srvResolver", { concurrency: true }, () => {
  test("RFC 2782: ports, priorities and weights are the records', and addresses their targets'", async (t) => {
    const { lists } = await watching(t, {
      [name]: {
        services: [service("a.test", 50051, 0, 3), service("b.test", 50052, 1, 1), service("c.test", 50053, 1, 0)],
      },
      "a.test": { addresses: ["10.0.0.1"] },
      "b.test": { addresses: ["10.0.0.2"] },
      "c.test": { addresses: ["10.0.0.3"] },
    });
    await until("a list is reported", () => lists.length > 0);
    assert.deepEqual(lists[0], [
      "10.0.0.1:50051 weight 3 of a.test",
      "10.0.0.2:50052 priority 1 of b.test",
      "10.0.0.3:50053 priority 1 of c.test",
    ]);
  });

  test('a target "." beside others is passed over', async (t) => {
    const { lists, errors } = await watching(t, {
      [name]: { services: [service(".", 1), service("a.test", 2)] },
      "a.test": { addresses: ["10.0.0.1"] },
    });
    await until("a list is reported", () => lists.length > 0);
    assert.deepEqual([lists[0], errors], [["10.0.0.1:2 of a.test"], []]);
  });

  test("a target with an address of each family is one backend with both; one of many is many, which share its weight", async (t) => {
    const { lists } = await watching(t, {
      [name]: { services: [service("dual.test", 1, 0, 4), service("many.test", 2, 0, 4), service("new.test", 3)] },
      "dual.test": { addresses: ["127.0.0.1", "::1"] },
      "many.test": { addresses: ["10.0.0.1", "10.0.0.2"] },
      "new.test": { addresses: ["fd00::1"] },
    });
    await until("a list is reported", () => lists.length > 0);
    const [list = []] = lists;
    // Where this machine has no ::1 the address is left out.
    assert.match(
      list.find((one) => one.includes("dual")) ?? "",
      /^127\.0\.0\.1:1(,\[::1\]:1)? weight 4 of dual\.test$/,
    );
    assert.deepEqual(
      list.filter((one) => !one.includes("dual")),
      ["10.0.0.1:2 weight 2 of many.test", "10.0.0.2:2 weight 2 of many.test", "[fd00::1]:3 of new.test"],
    );
  });

  test('RFC 2782: the target "." means that there is no service, with authority', async (t) => {
    const { lists, authoritative, errors } = await watching(t, { [name]: { services: [service(".", 0, 0, 0)] } });
    await until("a list is reported", () => lists.length > 0);
    assert.deepEqual([lists[0], authoritative[0], errors], [[], true, []]);
  });

  test("a name without records is an error that says how it was asked for", async (t) => {
    const { errors, lists } = await watching(t, { [name]: {} }, { name: "_other._tcp.echo.test" });
    await until("an error is reported", () => errors.length > 0);
    assert.match(
      errors[0] ?? "",
      /^SRV _other\._tcp\.echo\.test: there are no SRV records \(asked for as it is written\)/,
    );
    assert.deepEqual(lists, []);
  });

  test("a target that cannot be looked up leaves the others in use, and keeps the addresses that it had", async (t) => {
    const { server, lists, errors, watch } = await watching(t, {
      [name]: { services: [service("a.test", 1), service("b.test", 1)] },
      "a.test": { addresses: ["10.0.0.1"] },
      "b.test": { error: "SERVFAIL" },
    });
    await until("the rest is reported, and an error", () => lists.length > 0 && errors.length > 0);
    assert.deepEqual(lists[0], ["10.0.0.1:1 of a.test"]);
    assert.match(errors[0] ?? "", /^SRV _grpc\._tcp\.echo\.test: b\.test: .*ESERVFAIL/);
    server.set("b.test", { addresses: ["10.0.0.2"], ttlSeconds: 1 });
    await until("it is found", () => lists.at(-1)?.length === 2);
    server.set("b.test", { error: "SERVFAIL" });
    const { length } = lists;
    watch.refresh();
    await until("the next list is reported", () => lists.length > length);
    assert.deepEqual(lists.at(-1), ["10.0.0.1:1 of a.test", "10.0.0.2:1 of b.test"]);
  });

  test("a record with port 0 is an error and holds back nobody, and a target that is an address needs no lookup", async (t) => {
    const { server, lists, errors } = await watching(t, {
      [name]: { services: [service("a.test", 0), service("b.test", 2), service("10.0.0.3", 3)] },
      "a.test": { addresses: ["10.0.0.1"] },
      "b.test": { addresses: ["10.0.0.2"] },
    });
    await until("an error is reported", () => errors.length > 0);
    assert.deepEqual(lists[0], ["10.0.0.2:2 of b.test", "10.0.0.3:3 of 10.0.0.3"]);
    assert.equal(errors[0], `SRV ${name}: a.test: its port is 0`);
    assert.equal(server.queries("10.0.0.3"), 0);
  });

  test("what DNS seems to have lost is told again at the next lookup, so that it can be confirmed", async (t) => {
    const { lists } = await watching(t, {
      [name]: { services: [service("a.test", 1)] },
      "a.test": { addresses: ["10.0.0.1"], ttlSeconds: 1 },
    });
    await until("the same list came twice, by the address' TTL", () => lists.length > 1);
    assert.deepEqual(lists[0], lists[1]);
    assert.equal(srvResolver().confirmLosses, true);
    assert.equal(srvResolver({ confirmLosses: false }).confirmLosses, false);
  });

  test("a server that refuses, and one that is silent, are passed over", async (t) => {
    const refusing = await fakeDns();
    const silent = await fakeDns();
    t.after(() => Promise.all([refusing.close(), silent.close()]));
    refusing.set(name, { error: "REFUSED" });
    silent.set(name, { silent: true });
    const good = await fakeDns();
    t.after(() => good.close());
    good.set(name, { services: [service("a.test", 1)] });
    good.set("a.test", { addresses: ["10.0.0.1"] });
    const servers = [refusing.address, silent.address, good.address];
    const { lists, errors } = await watching(t, {}, { servers, timeoutMs: 3_000 });
    await until("a list is reported", () => lists.length > 0);
    assert.deepEqual([lists[0], errors], [["10.0.0.1:1 of a.test"], []]);
  });

  test("a hundred targets are looked up at once", async (t) => {
    const targets = Array.from({ length: 100 }, (_, i) => `t${i}.test`);
    const records = Object.fromEntries(targets.map((target, i) => [target, { addresses: [`10.0.1.${i}`] }]));
    const { lists } = await watching(t, {
      [name]: { services: targets.map((target) => service(target, 1)) },
      ...records,
    });
    await until("all are found", () => lists.at(-1)?.length === 100);
  });
});

for (const [options, message] of [
  [{ name: 1 }, /^TypeError: srvResolver\.name must be a name/],
  [{ servers: ["x"] }, /^TypeError: srvResolver\.servers/],
  [{ family: 5 }, /^RangeError: srvResolver\.family must be 0, 4 or 6, not 5/],
  [{ timeoutMs: 0 }, /^RangeError: srvResolver\.timeoutMs/],
  [{ confirmLosses: 1 }, /^TypeError: srvResolver\.confirmLosses/],
  [{ ttl: 1 }, /^TypeError: srvResolver has no field "ttl"/],
] as const) {
  test(`srvResolver(${JSON.stringify(options)}) is refused`, () => {
    assert.throws(() => srvResolver(options as unknown as SrvResolverOptions), message);
  });
}
