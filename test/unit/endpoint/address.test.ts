import assert from "node:assert/strict";
import { test } from "node:test";
import { type Address, checkAddress, formatAddress, parseAddress } from "../../../src/endpoint/address.ts";

const texts: Record<string, Address> = {
  "10.0.0.1:50051": { host: "10.0.0.1", port: 50_051 },
  "[::1]:50051": { host: "::1", port: 50_051 },
  "echo.test:80": { host: "echo.test", port: 80 },
  "unix:/run/echo.sock": { path: "/run/echo.sock" },
};

for (const [text, address] of Object.entries(texts)) {
  test(`${text} is read and written the same`, () => {
    assert.deepEqual(parseAddress(text), address);
    assert.equal(formatAddress(address), text);
  });
}

test("an address without a port takes the default one", () => {
  assert.deepEqual(parseAddress("10.0.0.1", 50_051), { host: "10.0.0.1", port: 50_051 });
  assert.deepEqual(parseAddress("::1", 50_051), { host: "::1", port: 50_051 });
});

for (const text of [
  "",
  "10.0.0.1",
  "10.0.0.1:",
  "a b:1",
  "[::1:50051",
  "[x]:1",
  "unix:",
  "http://a:1",
  "h:99999",
  "h:0",
]) {
  test(`"${text}" is no address, and the error quotes it`, () => {
    assert.throws(() => parseAddress(text), /address|port/);
  });
}

for (const refused of [
  () => parseAddress("user:secret@10.0.0.1:1"),
  () => parseAddress("secret@10.0.0.1"),
  () => parseAddress("user:secret%4010.0.0.1"),
  () => checkAddress({ host: "user:secret@10.0.0.1", port: 0 }),
  () => checkAddress({ host: "", user: "secret@10.0.0.1" } as unknown as Address),
]) {
  test(`an error quotes nothing that has an "@", for it may be a password: ${refused}`, () => {
    assert.throws(refused, ({ message }: Error) => /address/.test(message) && !message.includes("secret"));
  });
}

for (const [host, expected] of [
  ["::ffff:127.0.0.1", "127.0.0.1"],
  ["::FFFF:7f00:1", "127.0.0.1"],
  ["0:0:0:0:0:ffff:10.0.255.1", "10.0.255.1"],
  ["::127.0.0.1", "::7f00:1"],
  ["::ffff:0:127.0.0.1", "::ffff:0:7f00:1"],
  ["0:0:0:0:0:0:0:1", "::1"],
  ["FD00::00:1", "fd00::1"],
  ["FE80::0:1%eth0", "fe80::1%eth0"],
  ["2001:db8::1:0:0:1", "2001:db8::1:0:0:1"],
] as const) {
  test(`${host} is the same backend as ${expected}`, () => {
    assert.deepEqual(checkAddress({ host, port: 1 }), { host: expected, port: 1 });
    assert.deepEqual(parseAddress(host, 1), { host: expected, port: 1 });
    assert.deepEqual(parseAddress(`[${host}]:1`), { host: expected, port: 1 });
  });
}

test("an object that is no address is refused with what it holds", () => {
  assert.throws(() => checkAddress({ host: "a", port: 1.5 }), /port 1\.5 of address a/);
  assert.throws(() => checkAddress({} as Address), /\{\} is not an address/);
  assert.throws(() => checkAddress(null as unknown as Address), /null is not an address/);
});

test("an address is what its fields say, not which of them exist, and becomes an object of our own", () => {
  const given = { host: "10.0.0.1", port: 50_051, path: undefined, weight: 3 } as unknown as Address;
  const address = checkAddress(given);
  assert.deepEqual(address, { host: "10.0.0.1", port: 50_051 });
  assert.equal(formatAddress(address), "10.0.0.1:50051");
});

test("a text that a terminal obeys, or that hides what follows, is no address; the error shows its escapes", () => {
  for (const bad of ["a\nb", "\x1b[2J", "\x9b31m", "a\u202eb", "\ud800", "a\0b"]) {
    const shown =
      /^TypeError: the (host|path) "[^\p{Cc}\p{Cs}\u202e]*" of an address has characters that are not shown/u;
    assert.throws(() => checkAddress({ host: bad, port: 1 }), shown);
    assert.throws(() => checkAddress({ path: `/run/${bad}` }), shown);
  }
});

test("a path of Linux' abstract namespace begins with @, where it was given with a NUL too", () => {
  assert.deepEqual(checkAddress({ path: "\u0000echo" }), { path: "@echo" });
});
