import assert from "node:assert/strict";
import { test } from "node:test";
import { tcpIpAddress } from "../../../../src/admin/channelz/ip-address.ts";

const read = (text: string | undefined) => {
  const { ipAddress, port } = tcpIpAddress(text);
  return { bytes: Buffer.from(ipAddress).toString("hex"), port };
};
const nobody = { bytes: "0".repeat(32), port: 0 };

test("addresses of both families are their bytes", () => {
  assert.deepEqual(read("10.0.1.255:50051"), { bytes: "0a0001ff", port: 50_051 });
  assert.deepEqual(read("[::1]:1"), { bytes: `${"0".repeat(31)}1`, port: 1 });
  assert.deepEqual(read("[2001:db8::ff00:42:8329]:80"), { bytes: "20010db8000000000000ff0000428329", port: 80 });
  assert.deepEqual(read("[1:2:3:4:5:6:7:8]:80"), { bytes: "00010002000300040005000600070008", port: 80 });
  assert.deepEqual(read("[::ffff:10.0.0.1]:80"), { bytes: "00000000000000000000ffff0a000001", port: 80 });
  assert.deepEqual(read("[fe80::1%eth0]:80"), { bytes: "fe800000000000000000000000000001", port: 80 });
});

test("what has no address is nobody's", () => {
  for (const text of [undefined, "unix:/run/a.sock", "echo.test:80", "[not::an::address]:80", ""]) {
    assert.deepEqual(read(text), nobody, text);
  }
});
