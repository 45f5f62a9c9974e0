import assert from "node:assert/strict";
import { test } from "node:test";
import { RetryThrottle } from "../../../../src/calls/retry/retry-throttle.ts";
import { ManualClock } from "../../../support/manual-clock.ts";

function throttleOf(maxTokens: number, tokenRatio: number, previous?: RetryThrottle) {
  return new RetryThrottle({ maxTokens, tokenRatio }, new ManualClock(), previous);
}

test("retries go on above half of the tokens, and not at half", () => {
  const throttle = throttleOf(4, 0.5);
  throttle.failed();
  assert.equal(throttle.withdraw(), true);
  throttle.failed();
  assert.equal(throttle.withdraw(), false);
  throttle.succeeded();
  assert.equal(throttle.withdraw(), true);
});

test("there are never fewer tokens than none, nor more than all", () => {
  const throttle = throttleOf(2, 1);
  for (let i = 0; i < 10; i++) throttle.failed();
  throttle.succeeded();
  assert.equal(throttle.withdraw(), false);
  throttle.succeeded();
  assert.equal(throttle.withdraw(), true);
  for (let i = 0; i < 10; i++) throttle.succeeded();
  throttle.failed();
  assert.equal(throttle.withdraw(), false);
});

test("another config goes on as full as the last one was", () => {
  const previous = throttleOf(10, 0.1);
  for (let i = 0; i < 6; i++) previous.failed();
  const throttle = throttleOf(100, 1, previous);
  assert.equal(throttle.withdraw(), false, "40 of 100");
  for (let i = 0; i < 11; i++) throttle.succeeded();
  assert.equal(throttle.withdraw(), true, "51 of 100");
});

test("an episode of refusals is new after ten quiet seconds", () => {
  const clock = new ManualClock();
  const throttle = new RetryThrottle({ maxTokens: 1, tokenRatio: 1 }, clock, undefined);
  throttle.failed();
  const refused = () => [throttle.withdraw(), throttle.isNewEpisode];
  assert.deepEqual(refused(), [false, true]);
  clock.stall(9_999);
  assert.deepEqual(refused(), [false, false]);
  clock.stall(10_000);
  assert.deepEqual(refused(), [false, true]);
});
