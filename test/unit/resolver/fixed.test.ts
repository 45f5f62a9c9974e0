import assert from "node:assert/strict";
import { test } from "node:test";
import { staticResolver } from "../../../src/resolver/static.ts";
import { unixResolver } from "../../../src/resolver/unix.ts";
import { settle } from "../../support/manual-clock.ts";
import { watchReports } from "./watching.ts";

const target = { host: "echo.test", port: 50051 };

test("staticResolver reports addresses of every form once, after watch has returned", async () => {
  const addresses = ["10.0.0.1", "10.0.0.2:1", "[::1]", "::2", { host: "10.0.0.3", port: 3 }, "unix:/run/a.sock"];
  const reports = watchReports(staticResolver(addresses), target);
  assert.deepEqual(reports.lists, []);
  await settle();
  reports.watch.refresh();
  await settle();
  reports.close();
  assert.deepEqual(reports.lists, [
    ["10.0.0.1:50051", "10.0.0.2:1", "10.0.0.3:3", "[::1]:50051", "[::2]:50051", "unix:/run/a.sock"],
  ]);
});

test("one staticResolver serves many targets, and later changes of the list it was given do not reach it", async () => {
  const address = { host: "10.0.0.2", port: 2 };
  const addresses = ["10.0.0.1", address];
  const resolver = staticResolver(addresses);
  addresses.pop();
  address.port = 0;
  const first = watchReports(resolver, target);
  const second = watchReports(resolver, { host: "other.test", port: 8080 });
  await settle();
  first.close();
  second.close();
  assert.deepEqual(first.lists, [["10.0.0.1:50051", "10.0.0.2:2"]]);
  assert.deepEqual(second.lists, [["10.0.0.1:8080", "10.0.0.2:2"]]);
});

test("staticResolver refuses what is no address when it is made, and quotes it", () => {
  const make = (addresses: unknown) => () => staticResolver(addresses as never);
  assert.throws(make([]), /needs a list of addresses.*not an empty one/);
  assert.throws(make("10.0.0.1:1"), /needs a list of addresses.*not the string "10.0.0.1:1"/);
  assert.throws(make(["10.0.0.1:1", "a b:1"]), /"a b:1"/);
  assert.throws(make(["10.0.0.1:0"]), RangeError);
  assert.throws(make([{ host: "10.0.0.1", port: 70_000 }]), /port 70000/);
  assert.throws(make([{ host: "", port: 1 }]), TypeError);
  assert.throws(make([undefined]), TypeError);
  assert.throws(make([50051]), /50051 is not an address/);
});

test("unixResolver reports its path, the abstract namespace included", async () => {
  for (const path of ["/run/echo.sock", "@echo"]) {
    const reports = watchReports(unixResolver(path), target);
    assert.deepEqual(reports.lists, []);
    await settle();
    reports.watch.refresh();
    await settle();
    reports.close();
    assert.deepEqual(reports.lists, [[`unix:${path}`]]);
  }
});

test("unixResolver refuses what is no path", () => {
  for (const path of ["", "unix:/run/echo.sock", undefined, 5]) {
    assert.throws(
      () => unixResolver(path as never),
      /unixResolver needs the path of a socket, like "\/run\/echo.sock"/,
    );
  }
});

test("a watch that is closed at once reports nothing", async () => {
  for (const resolver of [staticResolver(["10.0.0.1:1"]), unixResolver("/run/echo.sock")]) {
    const reports = watchReports(resolver, target);
    reports.close();
    await settle();
    assert.deepEqual(reports.lists, []);
  }
});
