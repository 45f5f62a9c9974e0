import assert from "node:assert/strict";
import { Resolver } from "node:dns/promises";
import { type TestContext, test } from "node:test";
import { type FakeDns, fakeDns } from "../../../../src/testing/index.ts";
import { checkForLeaks } from "../../../support/leaks.ts";

checkForLeaks();

async function start(t: TestContext): Promise<{ dns: FakeDns; resolver: Resolver }> {
  const dns = await fakeDns();
  t.after(() => dns.close());
  const resolver = new Resolver({ timeout: 100, tries: 1 });
  resolver.setServers([dns.address]);
  return { dns, resolver };
}

test("Node's resolver reads what a test says about a name, until it says something else", async (t) => {
  const { dns, resolver } = await start(t);
  dns.set("echo.test", {
    addresses: ["10.0.0.1", "10.0.0.2", "fd00::1"],
    services: [{ target: "pod.echo.test", port: 50_051, weight: 3 }],
    texts: ["one", "x".repeat(300)],
  });
  assert.deepEqual((await resolver.resolve4("echo.test")).sort(), ["10.0.0.1", "10.0.0.2"]);
  assert.deepEqual(await resolver.resolve6("Echo.TEST"), ["fd00::1"]);
  const [srv] = await resolver.resolveSrv("echo.test");
  assert.deepEqual([srv?.name, srv?.port, srv?.priority, srv?.weight], ["pod.echo.test", 50_051, 0, 3]);
  assert.deepEqual((await resolver.resolveTxt("echo.test")).map((pieces) => pieces.join("")).sort(), [
    "one",
    "x".repeat(300),
  ]);
  dns.set("echo.test", { addresses: ["10.0.0.2"] });
  assert.deepEqual(await resolver.resolve4("echo.test"), ["10.0.0.2"]);
  assert.deepEqual([dns.queries("echo.test", "A"), dns.queries("echo.test")], [2, 5]);
});

test("a name fails in the way it was told to, and one that was never set is unknown", async (t) => {
  const { dns, resolver } = await start(t);
  const codeOf = (name: string) =>
    resolver.resolve4(name).then(
      () => "none",
      ({ code }: NodeJS.ErrnoException) => code,
    );
  dns.set("failing.test", { error: "SERVFAIL" });
  dns.set("empty.test", {});
  assert.deepEqual(
    [await codeOf("failing.test"), await codeOf("empty.test"), await codeOf("unknown.test")],
    ["ESERVFAIL", "ENODATA", "ENOTFOUND"],
  );
  dns.set("silent.test", { silent: true });
  assert.equal(await codeOf("silent.test"), "ETIMEOUT");
  assert.ok(dns.queries("silent.test") > 0);
});

test("an answer that is too long for a packet comes over TCP", async (t) => {
  const { dns, resolver } = await start(t);
  dns.set("many.test", { addresses: Array.from({ length: 300 }, (_, i) => `10.0.${i >> 8}.${i & 255}`) });
  assert.equal((await resolver.resolve4("many.test")).length, 300);
});

test("bad input is named", async (t) => {
  const { dns } = await start(t);
  const bad: readonly [() => unknown, RegExp][] = [
    [() => dns.set("a..b", {}), /^TypeError: the name must be one that DNS can carry, .* "a\.\.b"$/],
    [() => dns.set("a", { addresses: ["10.0.0.1:80"] }), /^TypeError: addresses must be IP addresses without ports/],
    [() => dns.set("a", { addresses: "10.0.0.1" as never }), /^TypeError: addresses must be a list, not "10.0.0.1"$/],
    [() => dns.set("a", { services: [{ target: "b", port: 65_536 }] }), /^RangeError: port of a service must be/],
    [() => dns.set("a", { texts: [7 as never] }), /^TypeError: each of texts must be a string, not 7$/],
    [() => dns.set("a", { ttlSeconds: -1 }), /^RangeError: ttlSeconds must be/],
    [() => dns.set("a", { delayMs: 2 ** 31 }), /^RangeError: delayMs must be/],
    [() => dns.set("a", { silent: 1 as never }), /^TypeError: silent must be true or false, not 1$/],
    [() => dns.set("a", { error: "REFUSE" as never }), /^TypeError: error must be one of SERVFAIL, .* "REFUSE"$/],
    [() => dns.set("a", { alias: "" }), /^TypeError: alias must be one that DNS can carry/],
    [() => dns.set("a", { address: [] } as never), /^TypeError: the answer for a has no field "address"/],
    [() => dns.set("a", null as never), /^TypeError: the answer for a must be an object, not null$/],
    [() => dns.set("a", {}, "MX" as never), /^TypeError: the type of records must be one of A, .* not "MX"$/],
    [() => dns.queries("a", "a" as never), /^TypeError: the type of records must be/],
  ];
  for (const [act, expected] of bad) assert.throws(act, (error) => expected.test(String(error)), String(expected));
  await assert.rejects(fakeDns({ host: "localhost" }), /^TypeError: host must be an IP address, not "localhost"$/);
  await assert.rejects(fakeDns({ port: -1 }), /^RangeError: port must be an integer from 0 to 65535, not -1$/);
});

test("a server that was closed twice is closed", async () => {
  const dns = await fakeDns();
  dns.set("a", { addresses: ["10.0.0.1"] });
  await Promise.all([dns.close(), dns[Symbol.asyncDispose]()]);
});
