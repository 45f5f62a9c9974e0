import assert from "node:assert/strict";
import { AsyncLocalStorage } from "node:async_hooks";
import { test } from "node:test";
import { Code, ConnectError, createContextValues } from "@connectrpc/connect";
import { callOptionsOf, type GlinkCallOptions, glinkCall } from "../../../src/calls/call-options.ts";

function optionsOf(options: unknown): GlinkCallOptions {
  return callOptionsOf(createContextValues().set(glinkCall, options as GlinkCallOptions));
}

test("a call without options of its own shares the defaults", () => {
  assert.equal(callOptionsOf(undefined), glinkCall.defaultValue);
  assert.equal(callOptionsOf(createContextValues()), glinkCall.defaultValue);
});

test("good options pass", () => {
  assert.deepEqual(optionsOf({ retry: false, waitForReady: true }), { retry: false, waitForReady: true });
  assert.deepEqual(optionsOf({ retry: { maxAttempts: 5 } }), { retry: { maxAttempts: 5 } });
});

test("a bad option is InvalidArgument and names the option, the value and the range", () => {
  const bad: [unknown, RegExp][] = [
    [{ retry: { maxAttempts: 0 } }, /glinkCall: retry\.maxAttempts must be an integer from 1 to 100, not 0/],
    [{ retry: { codes: [99] } }, /retry\.codes must hold values of Code \(1 to 16\), not 99/],
    [{ retry: true }, /retry must be false or an object, not true/],
    [{ retry: { perAttemptTimeoutMs: "5" } }, /retry\.perAttemptTimeoutMs must be a number .* not the string "5"/],
    [{ waitForReady: 1 }, /waitForReady must be true or false, not 1/],
    [{ onAttempt: "log" }, /onAttempt must be a function, not the string "log"/],
    [{ waitForready: true }, /the option "waitForready" is unknown/],
    [null, /the value must be an object, not null/],
  ];
  for (const [options, text] of bad) {
    assert.throws(
      () => optionsOf(options),
      (error) => error instanceof ConnectError && error.code === Code.InvalidArgument && text.test(error.message),
      String(text),
    );
  }
});

test("onAttempt runs in the async context of the call", () => {
  const storage = new AsyncLocalStorage<string>();
  let seen: string | undefined;
  const { onAttempt } = storage.run("caller", () => optionsOf({ onAttempt: () => (seen = storage.getStore()) }));
  const report = {
    attempt: 1,
    address: undefined,
    code: undefined,
    progress: undefined,
    message: undefined,
    retryDelayMs: undefined,
  };
  storage.run("elsewhere", () => onAttempt?.(report));
  assert.equal(seen, "caller");
});
