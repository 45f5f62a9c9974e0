import assert from "node:assert/strict";
import type { LookupAddress } from "node:dns";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { dnsResolver } from "../../../src/resolver/dns.ts";
import { systemLookup } from "../../../src/resolver/system-lookup.ts";
import { checkForLeaks } from "../../support/leaks.ts";
import { watchReports } from "./watching.ts";

checkForLeaks();

async function firstReport(host: string, family: 0 | 4 | 6 = 0) {
  const reports = watchReports(dnsResolver({ family }), { host, port: 50051 });
  try {
    while (reports.lists.length + reports.errors.length === 0) await sleep(5);
    return { list: reports.lists[0], error: reports.errors[0] };
  } finally {
    reports.close();
  }
}

test("localhost comes from the hosts file, as IPv4 addresses alone though it may have both", async () => {
  assert.deepEqual(await firstReport("localhost"), { list: ["127.0.0.1:50051"], error: undefined });
  assert.deepEqual(await firstReport("localhost", 4), { list: ["127.0.0.1:50051"], error: undefined });
});

test("a name that cannot exist is an error that names it", async () => {
  // A label has 63 characters at most (RFC 1035 §2.3.4): refused on this machine, without a network.
  const host = `${"x".repeat(64)}.test`;
  const { list, error } = await firstReport(host);
  assert.equal(list, undefined);
  assert.ok(error?.includes(host), error);
});

test("IP literals need no lookup, whatever family says (D12)", async () => {
  assert.deepEqual((await firstReport("127.0.0.9", 6)).list, ["127.0.0.9:50051"]);
  assert.deepEqual((await firstReport("::1", 4)).list, ["[::1]:50051"]);
});

test("an option of dnsResolver that is wrong is refused by name, with the value and what is allowed", () => {
  const make = (options: unknown) => () => dnsResolver(options as never);
  const noServer = (value: string) =>
    new RegExp(`dnsResolver.servers: ${value} is not an IP address, alone or with a port from 1 to 65535`);
  for (const [options, type, message] of [
    [null, TypeError, /options of dnsResolver must be an object, not null/],
    [["10.0.0.1"], TypeError, /options of dnsResolver must be an object, not an array/],
    [{ server: ["10.0.0.1"] }, TypeError, /dnsResolver has no field "server": it knows servers, family, timeoutMs/],
    [{ servers: "10.0.0.1" }, TypeError, /servers must be a list of DNS servers.*not the string "10.0.0.1"/],
    [{ servers: [] }, TypeError, /servers must be a list of DNS servers.*not an empty one/],
    [{ servers: ["10.0.0.1", 53] }, TypeError, noServer("53")],
    [{ servers: ["dns.google"] }, TypeError, noServer('the string "dns.google"')],
    [{ servers: ["10.0.0.1:0"] }, TypeError, noServer('the string "10.0.0.1:0"')],
    [{ servers: ["10.0.0.1:65536"] }, TypeError, noServer('the string "10.0.0.1:65536"')],
    [{ servers: ["fe80::1%eth0"] }, TypeError, noServer('the string "fe80::1%eth0"')],
    [{ servers: ["unix:/run/dns"] }, TypeError, noServer('the string "unix:/run/dns"')],
    [{ servers: [""] }, TypeError, noServer('the string ""')],
    [{ family: 5 }, RangeError, /family must be 0, 4 or 6, not 5/],
    [{ family: "IPv4" }, TypeError, /family must be 0, 4 or 6, not the string "IPv4"/],
    [{ timeoutMs: 0 }, RangeError, /timeoutMs must be a number from 1 to 60000, not 0/],
    [{ timeoutMs: -1 }, RangeError, /not -1/],
    [{ timeoutMs: Number.NaN }, RangeError, /not NaN/],
    [{ timeoutMs: 2 ** 31 }, RangeError, /not 2147483648/],
    [{ timeoutMs: Number.POSITIVE_INFINITY }, RangeError, /not Infinity/],
    [{ timeoutMs: "5s" }, TypeError, /not the string "5s"/],
  ] as const) {
    assert.throws(make(options), (error: Error) => error instanceof type && message.test(error.message), `${message}`);
  }
});

test("DNS servers are taken with and without a port, IPv4 and IPv6", () => {
  const servers = ["10.0.0.1", "10.0.0.1:5353", "::1", "[::1]", "[::1]:5353"];
  const reports = watchReports(dnsResolver({ servers, timeoutMs: 0.5 + 1 }), { host: "echo.test", port: 1 });
  reports.close();
});

test("a name that had IPv4 addresses moves to IPv6 only when they are gone, not when nobody can say", async () => {
  const ipv4 = [{ address: "10.0.0.1", family: 4 }];
  const ipv6 = [{ address: "fd00::1", family: 6 }];
  const failure = (code: string) => Object.assign(new Error(`getaddrinfo ${code} echo.test`), { code });
  let both: LookupAddress[] = [...ipv4, ...ipv6];
  let again = failure("EAI_AGAIN");
  const lookup = systemLookup("echo.test", 0, async (_, { family }) => {
    if (family === 4) throw again;
    return both;
  });
  const { signal } = new AbortController();
  assert.deepEqual((await lookup.ask(signal, () => undefined)).hosts, ["10.0.0.1"]);
  both = ipv6;
  await assert.rejects(
    lookup.ask(signal, () => undefined),
    /EAI_AGAIN/,
  );
  again = failure("ENOTFOUND");
  assert.deepEqual((await lookup.ask(signal, () => undefined)).hosts, ["fd00::1"]);
});
