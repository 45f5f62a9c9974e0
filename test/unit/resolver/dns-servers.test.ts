import assert from "node:assert/strict";
import { describe, type TestContext, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { type DnsResolverOptions, dnsResolver } from "../../../src/resolver/dns.ts";
import { type FakeDns, fakeDns } from "../../../src/testing/index.ts";
import { checkForLeaks } from "../../support/leaks.ts";
import { until } from "../../support/load.ts";
import { runScript } from "../../support/processes.ts";
import { type Reports, watchReports } from "./watching.ts";
// Loaded late, which takes time of the lookups that are measured here.
import "../../../src/resolver/server-lookup.ts";

checkForLeaks();

const host = "echo.test";
const port = 50051;

async function startDns(t: TestContext): Promise<FakeDns> {
  const server = await fakeDns();
  t.after(() => server.close());
  return server;
}

function watchName(
  t: TestContext,
  server: FakeDns,
  options: DnsResolverOptions = {},
  held = true,
  name = host,
): Reports {
  const resolver = dnsResolver({ servers: [server.address], ...options });
  const reports = watchReports(resolver, { host: name, port }, { held });
  t.after(() => reports.close());
  return reports;
}

// Each test has a server of its own, and most wait for the window of 1 s.
describe("dnsResolver({ servers })", { concurrency: true }, () => {
  test("every A record becomes an address with the port of baseUrl (D01)", async (t) => {
    const dns = await startDns(t);
    dns.set(host, { addresses: ["10.0.0.1", "10.0.0.2", "10.0.0.3", "fd00::1"] });
    const { lists } = watchName(t, dns);
    await until("a list is reported", () => lists.length > 0);
    assert.deepEqual(lists[0], ["10.0.0.1:50051", "10.0.0.2:50051", "10.0.0.3:50051"]);
  });

  test("a name with AAAA records alone gives IPv6 addresses", async (t) => {
    const dns = await startDns(t);
    dns.set(host, { addresses: ["fd00::1", "fd00::2"] });
    const { lists, errors } = watchName(t, dns);
    await until("a list is reported", () => lists.length > 0);
    assert.deepEqual(lists[0], ["[fd00::1]:50051", "[fd00::2]:50051"]);
    assert.deepEqual(errors, []);
  });

  test("one family may fail as long as the other answers, whichever way it fails", async (t) => {
    const dns = await startDns(t);
    const addresses = ["10.0.0.1", "fd00::1"];
    for (const error of ["NXDOMAIN", "SERVFAIL", "REFUSED"] as const) {
      for (const [failing, expected] of [
        ["AAAA", "10.0.0.1:50051"],
        ["A", "[fd00::1]:50051"],
      ] as const) {
        const name = `${error}.${failing}.test`;
        dns.set(name, { addresses });
        dns.set(name, { error }, failing);
        const { lists, errors } = watchName(t, dns, {}, true, name);
        await until(`a list for ${name} is reported`, () => lists.length > 0);
        assert.deepEqual(lists[0], [expected], name);
        assert.deepEqual(errors, [], name);
      }
    }
  });

  test("a long answer comes over TCP, and its shortest known TTL counts: no storm of lookups follows", async (t) => {
    const dns = await startDns(t);
    const addresses = Array.from({ length: 300 }, (_, i) => `10.0.${i >> 8}.${i & 255}`);
    dns.set(host, { addresses, ttlSeconds: 300 });
    const { lists, errors } = watchName(t, dns);
    await until("a list is reported", () => lists.length > 0);
    assert.equal(lists[0]?.length, 300);
    const { length } = lists;
    const queries = dns.queries(host);
    await sleep(500);
    assert.deepEqual([lists.length, dns.queries(host), errors], [length, queries, []]);
  });

  for (const error of ["SERVFAIL", "REFUSED"] as const) {
    test(`a server that answers ${error} is passed over, and not asked first again`, async (t) => {
      const [bad, good] = [await startDns(t), await startDns(t)];
      bad.set(host, { error });
      good.set(host, { addresses: ["10.0.0.1"] });
      const { lists, errors, watch } = watchName(t, bad, { servers: [bad.address, good.address] });
      await until("a list is reported", () => lists.length > 0);
      assert.deepEqual([lists[0], errors], [["10.0.0.1:50051"], []]);
      const asked = bad.queries(host);
      await sleep(1_100);
      watch.refresh();
      await until("it is reported again", () => lists.length > 1);
      assert.equal(bad.queries(host), asked);
    });
  }

  test("a passing failure of the A query does not move a pool from IPv4 to IPv6", async (t) => {
    const dns = await startDns(t);
    dns.set(host, { addresses: ["10.0.0.1", "fd00::1"] });
    const { lists, errors, watch } = watchName(t, dns);
    await until("a list is reported", () => lists.length > 0);
    dns.set(host, { error: "SERVFAIL" }, "A");
    watch.refresh();
    await until("the failure is reported", () => errors.length > 0);
    assert.deepEqual(lists, [["10.0.0.1:50051"]]);
    dns.set(host, {}, "A");
    await until("the pool moves, for there are no A records", () => lists.length > 1);
    assert.deepEqual(lists[1], ["[fd00::1]:50051"]);
  });

  for (const [silent, hosts] of [
    ["A", ["[fd00::1]:50051"]],
    ["AAAA", ["10.0.0.1:50051"]],
  ] as const) {
    test(`${silent} queries that are never answered hide nothing: the other records are used in a moment`, async (t) => {
      const dns = await startDns(t);
      dns.set(host, { addresses: ["10.0.0.1", "fd00::1"] });
      dns.set(host, { silent: true }, silent);
      // A long limit: whatever a slow machine does, it is not what ends the wait.
      const { lists, errors } = watchName(t, dns, { timeoutMs: 60_000 });
      await until("a list is reported", () => lists.length > 0);
      assert.deepEqual([lists, errors], [[hosts], []]);
    });
  }

  test("a family that stays silent is given up, and the lookup counts as answered by the other one", async (t) => {
    const dns = await startDns(t);
    dns.set(host, { addresses: ["fd00::1"], ttlSeconds: 1 });
    dns.set(host, { silent: true }, "A");
    const { lists, errors } = watchName(t, dns, { timeoutMs: 8_000 });
    await until("the lookup is repeated when the TTL ends", () => lists.length > 1);
    assert.deepEqual([lists[0], errors], [["[fd00::1]:50051"], []]);
  });

  test("the late half of an answer is reported when it comes", async (t) => {
    const dns = await startDns(t);
    dns.set(host, { addresses: ["10.0.0.1", "fd00::1"] });
    dns.set(host, { silent: true }, "A");
    const { lists } = watchName(t, dns, { timeoutMs: 8_000 });
    await until("the first half is reported", () => lists.length > 0);
    assert.deepEqual(lists[0], ["[fd00::1]:50051"]);
    // The query is sent again by then.
    dns.set(host, { addresses: ["10.0.0.1"] }, "A");
    await until("both are", () => lists.length > 1);
    assert.deepEqual(lists[1], ["10.0.0.1:50051"]);
  });

  test("a family that falls silent keeps its addresses, and the silence is an error", async (t) => {
    const dns = await startDns(t);
    dns.set(host, { addresses: ["10.0.0.1", "fd00::1"] });
    const { lists, fallbacks, errors, watch } = watchName(t, dns, { timeoutMs: 2_000 });
    await until("a list is reported", () => lists.length > 0);
    dns.set(host, { silent: true }, "A");
    watch.refresh();
    await until("the silence is reported", () => errors.length > 0);
    assert.match(errors[0] as string, /no answer for the A records of echo.test/);
    assert.deepEqual(lists, [["10.0.0.1:50051"]]);
    assert.equal(fallbacks.length, 1);
  });

  test("a failing family does not hold back what is new of the other one", async (t) => {
    const dns = await startDns(t);
    dns.set(host, { addresses: ["10.0.0.1", "::1"] });
    const { lists, fallbacks, errors, watch } = watchName(t, dns);
    await until("a list is reported", () => lists.length > 0);
    assert.deepEqual(fallbacks, [["[::1]:50051"]]);
    dns.set(host, { error: "SERVFAIL" }, "A");
    dns.set(host, { addresses: [] }, "AAAA");
    dns.set(host, { addresses: ["10.0.0.1"] }, "A");
    watch.refresh();
    await until("the fallback is gone", () => lists.length > 1);
    assert.deepEqual([lists[1], fallbacks[1], errors], [["10.0.0.1:50051"], [], []]);
    dns.set(host, { error: "SERVFAIL" }, "A");
    dns.set(host, { addresses: ["::1"] }, "AAAA");
    watch.refresh();
    await until("the failure is reported", () => errors.length > 0);
    assert.deepEqual([lists[2], fallbacks[2]], [["10.0.0.1:50051"], ["[::1]:50051"]]);
  });

  test("a server slower than a query is waited for without a call is waited for longer each time", async (t) => {
    const dns = await startDns(t);
    dns.set(host, { addresses: ["10.0.0.1"], delayMs: 1_500 });
    const { lists } = watchName(t, dns, {}, false);
    await until("a list is reported, though no call waits for it", () => lists.length > 0);
  });

  test("a server that takes longer than a round of packets is heard at the second lookup at the latest, and from then on", async (t) => {
    const dns = await startDns(t);
    dns.set(host, { addresses: ["10.0.0.1"], delayMs: 1_500 });
    const { lists, errors, watch } = watchName(t, dns, { timeoutMs: 3_000 });
    await until("a list is reported", () => lists.length > 0);
    assert.deepEqual(lists[0], ["10.0.0.1:50051"]);
    // The c-ares of Node 22 and later waits long enough at once.
    const failed = errors.length;
    assert.ok(failed <= 1, `${failed} lookups failed`);
    watch.refresh();
    await until("it is reported again", () => lists.length > 1);
    assert.equal(errors.length, failed);
  });

  test("family picks the records that are asked for", async (t) => {
    const dns = await startDns(t);
    dns.set(host, { addresses: ["10.0.0.1", "fd00::1"] });
    for (const [family, expected, unasked] of [
      [4, "10.0.0.1:50051", "AAAA"],
      [6, "[fd00::1]:50051", "A"],
    ] as const) {
      const before = dns.queries(host, unasked);
      const { lists } = watchName(t, dns, { family });
      await until("a list is reported", () => lists.length > 0);
      assert.deepEqual(lists[0], [expected]);
      assert.equal(dns.queries(host, unasked), before);
    }
  });

  test("a list is refreshed when its shortest TTL ends, without a hint", async (t) => {
    const dns = await startDns(t);
    dns.set(host, { addresses: ["10.0.0.1"], ttlSeconds: 1 });
    const { lists } = watchName(t, dns);
    await until("the first list is reported", () => lists.length > 0);
    dns.set(host, { addresses: ["10.0.0.1", "10.0.0.2"], ttlSeconds: 1 });
    await until("the second list is reported", () => lists.some((list) => list.length === 2));
  });

  test("NXDOMAIN, SERVFAIL, REFUSED and an empty answer after a good one report errors and keep the list (D04)", async (t) => {
    const dns = await startDns(t);
    await Promise.all(
      (
        [
          [{ error: "NXDOMAIN" }, /ENOTFOUND/],
          [{ error: "SERVFAIL" }, /ESERVFAIL/],
          [{ error: "REFUSED" }, /EREFUSED/],
          [{ addresses: [] }, /ENODATA/],
        ] as const
      ).map(async ([answer, message], i) => {
        const name = `d04-${i}.test`;
        dns.set(name, { addresses: ["10.0.0.1"] });
        const { lists, errors, watch } = watchName(t, dns, {}, true, name);
        await until("a list is reported", () => lists.length > 0);
        dns.set(name, answer);
        watch.refresh();
        await until(`${JSON.stringify(answer)} is reported`, () => errors.length > 0);
        assert.equal(lists.length, 1);
        assert.match(errors[0] as string, message);
        assert.ok(errors[0]?.includes(name) && errors[0].includes(dns.address), errors[0]);
        dns.set(name, { addresses: ["10.0.0.2"] });
        await until("it recovers without a hint", () => lists.length > 1);
        assert.deepEqual(lists[1], ["10.0.0.2:50051"]);
      }),
    );
  });

  test("a name that nobody knows says that search domains are not tried", async (t) => {
    const dns = await startDns(t);
    const { errors } = watchName(t, dns, {}, true, "svc.ns");
    await until("an error is reported", () => errors.length > 0);
    assert.match(errors[0] as string, /asked for as it is written, without search domains/);
  });

  test("a silent server is an error when timeoutMs is over, and the lookup recovers by itself (D06)", async (t) => {
    const dns = await startDns(t);
    dns.set(host, { silent: true });
    const { lists, errors } = watchName(t, dns, { timeoutMs: 400 });
    await until("an error is reported", () => errors.length > 0);
    assert.equal(errors[0], `DNS server ${dns.address} gave no answer for ${host} within 400 ms`);
    dns.set(host, { addresses: ["10.0.0.1"] });
    await until("a list is reported", () => lists.length > 0);
  });

  test("a lost packet is sent again within timeoutMs", async (t) => {
    const dns = await startDns(t);
    dns.set(host, { silent: true });
    const { lists, errors } = watchName(t, dns, { timeoutMs: 4_000 });
    await until("the first packet comes", () => dns.queries(host) >= 1);
    dns.set(host, { addresses: ["10.0.0.1"] });
    await until("a list is reported", () => lists.length > 0);
    assert.deepEqual(errors, []);
  });

  test("a server that is down is passed over for the next one", async (t) => {
    const dns = await startDns(t);
    const down = await fakeDns();
    const { address } = down;
    await down.close();
    dns.set(host, { addresses: ["10.0.0.1"] });
    const { lists, errors } = watchName(t, dns, { servers: [address, dns.address] });
    await until("a list is reported", () => lists.length > 0);
    assert.deepEqual(errors, []);
  });

  test("an alias, another case and a trailing dot lead to the same addresses (D12)", async (t) => {
    const dns = await startDns(t);
    dns.set("alias.test", { alias: host, addresses: ["10.0.0.1"] });
    for (const name of ["alias.test", "ALIAS.test", "alias.test."]) {
      const { lists } = watchName(t, dns, {}, true, name);
      await until(`a list for ${name} is reported`, () => lists.length > 0);
      assert.deepEqual(lists[0], ["10.0.0.1:50051"]);
    }
  });

  test("an IP literal is never asked for, and a refresh repeats nothing (D12)", async (t) => {
    const dns = await startDns(t);
    for (const [literal, expected] of [
      ["127.0.0.1", "127.0.0.1:50051"],
      ["::1", "[::1]:50051"],
    ] as const) {
      const { lists, watch } = watchName(t, dns, { family: 0 }, true, literal);
      assert.deepEqual(lists, [], "not before watch has returned");
      await until("a list is reported", () => lists.length > 0);
      watch.refresh();
      await sleep(20);
      assert.deepEqual(lists, [[expected]]);
      assert.equal(dns.queries(literal), 0);
    }
  });

  test("hints by the hundred are one query in flight and one more after it (D15)", async (t) => {
    const dns = await startDns(t);
    dns.set(host, { addresses: ["10.0.0.1"], delayMs: 50 });
    // A long limit, so that no packet is sent again on a slow machine.
    const { lists, watch } = watchName(t, dns, { timeoutMs: 60_000 });
    for (let i = 0; i < 100; i++) watch.refresh();
    await until("the remembered hint is served", () => lists.length === 2);
    // Queries are a second apart: a third one would come by then.
    await sleep(1_200);
    assert.deepEqual([dns.queries(host, "A"), dns.queries(host, "AAAA")], [2, 2]);
  });

  test("close cancels a query, and nothing is reported afterwards", async (t) => {
    const dns = await startDns(t);
    dns.set(host, { addresses: ["10.0.0.1"], delayMs: 50 });
    const { lists, errors, watch } = watchName(t, dns);
    await until("the query comes", () => dns.queries(host) >= 1);
    watch.close();
    await sleep(150);
    assert.deepEqual([lists, errors], [[], []]);
  });

  test("a query that no call waits for is given up after 1 s, and one that a call waits for is not", async (t) => {
    const dns = await startDns(t);
    dns.set(host, { silent: true });
    const idle = watchName(t, dns, {}, false);
    const held = watchName(t, dns);
    await until("the idle one gives up", () => idle.errors.length > 0);
    assert.match(idle.errors[0] as string, /gave no answer for echo.test within 1000 ms, and no call waits/);
    assert.equal(held.errors.length, 0);
    held.runtime.hold.release();
    await until("the held one gives up, for its call is over", () => held.errors.length > 0);
    assert.match(held.errors[0] as string, /no call waits/);
  });

  for (const [what, ttlSeconds, silent] of [
    ["a TTL of 0", 0, false],
    ["a silent server", 30, true],
  ] as const) {
    test(`${what} does not keep a process alive that has nothing else to do`, async (t) => {
      const dns = await startDns(t);
      dns.set(host, { addresses: ["10.0.0.1"], ttlSeconds, silent });
      const script = `
      import { dnsResolver } from "./src/resolver/dns.js";
      import { watchReports } from "./test/unit/resolver/watching.js";
      const { watch } = watchReports(dnsResolver({ servers: ["${dns.address}"] }), { host: "${host}", port: 1 }, { held: false });
      setInterval(() => watch.refresh(), 900).unref();
    `;
      const { code, signal, stderr } = await runScript(script);
      assert.deepEqual({ code, signal, stderr }, { code: 0, signal: null, stderr: "" });
      assert.ok(dns.queries(host) >= 1);
    });
  }
});
