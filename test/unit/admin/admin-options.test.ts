import assert from "node:assert/strict";
import { test } from "node:test";
import { type AdminPageOptions, checkAdminOptions } from "../../../src/admin/admin-options.ts";
import { adminPage, channelz } from "../../../src/admin/index.ts";

const refused = (options: unknown, error: RegExp) =>
  assert.throws(() => checkAdminOptions(options as AdminPageOptions), error);

test("a wrong option is refused by its name, with its range", () => {
  refused(null, /^TypeError: the options of adminPage must be an object/);
  refused({ host: "x" }, /^TypeError: adminPage has no option "host": it knows hosts, metrics, updateIntervalMs/);
  refused({ hosts: "x" }, /^TypeError: hosts must be an array/);
  refused({ hosts: ["http://x"] }, /^TypeError: hosts\[0\] must be a host name without scheme and port/);
  refused({ metrics: "x" }, /^TypeError: metrics must be a function/);
  refused({ updateIntervalMs: "1" }, /^TypeError: updateIntervalMs must be a number from 250 to 60000/);
  for (const updateIntervalMs of [249, 60_001, Number.NaN])
    refused({ updateIntervalMs }, /^RangeError: updateIntervalMs/);
});

test("what is no transport is refused with its place", () => {
  assert.throws(() => adminPage({} as never), /^TypeError: adminPage takes an array of transports/);
  assert.throws(() => channelz([undefined as never]), /^TypeError: channelz: transports\[0\] is not a transport/);
});
