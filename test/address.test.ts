import assert from "node:assert/strict";
import { test } from "node:test";
import { type Address, checkAddress, formatAddress, parseAddress } from "../src/address.ts";

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
