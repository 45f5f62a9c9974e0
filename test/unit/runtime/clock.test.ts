import assert from "node:assert/strict";
import { mock, test } from "node:test";
import { systemClock } from "../../../src/runtime/clock.ts";

test("a delay beyond 2^31 ms does not fire at once", () => {
  mock.timers.enable({ apis: ["setTimeout"] });
  try {
    let fired = 0;
    systemClock().setTimeout(() => fired++, 2 ** 31 + 5_000);
    mock.timers.tick(2 ** 31 - 1);
    assert.equal(fired, 0);
    mock.timers.tick(5_001);
    assert.equal(fired, 1);
  } finally {
    mock.timers.reset();
  }
});

test("a long delay can be cancelled in its second part", () => {
  mock.timers.enable({ apis: ["setTimeout"] });
  try {
    const clock = systemClock();
    let fired = 0;
    const timer = clock.setTimeout(() => fired++, 2 ** 32);
    mock.timers.tick(2 ** 31);
    clock.clearTimeout(timer);
    mock.timers.tick(2 ** 32);
    assert.equal(fired, 0);
  } finally {
    mock.timers.reset();
  }
});

test("an infinite delay makes no timer", () => {
  const before = process.getActiveResourcesInfo().length;
  const clock = systemClock();
  clock.clearTimeout(clock.setTimeout(() => assert.fail(), Number.POSITIVE_INFINITY));
  assert.equal(process.getActiveResourcesInfo().length, before);
});

test("a delay that is no number is refused: Node would fire at once, and for ever where it is repeated", () => {
  assert.throws(() => systemClock().setTimeout(() => undefined, Number.NaN), /must be a number of milliseconds/);
});
