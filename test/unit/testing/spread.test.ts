import assert, { AssertionError } from "node:assert/strict";
import { test } from "node:test";
import { assertSpread } from "../../../src/testing/index.ts";

const backends = (...counts: number[]) => counts.map((calls, i) => ({ address: `127.0.0.${i + 1}:80`, calls }));

test("equal calls are spread, and one more or less is no difference", () => {
  assertSpread(backends(10, 10, 10));
  assertSpread(backends(10, 11, 9));
  assertSpread(backends(1, 0));
  assertSpread(backends(90, 110, 100), { tolerance: 0.1 });
  assertSpread(backends(30, 10), { weights: [3, 1] });
  assertSpread(backends(40, 0), { weights: [3, 0] });
});

test("a backend that is too far from its share is named with its calls", () => {
  const error = { name: "AssertionError", actual: [20, 10], expected: [15, 15], operator: "assertSpread" };
  assert.throws(() => assertSpread(backends(20, 10)), {
    ...error,
    message: "calls are not spread as they should be: 127.0.0.1:80: 20 of 15, 127.0.0.2:80: 10 of 15",
  });
  assert.throws(() => assertSpread(backends(89, 111), { tolerance: 0.1 }), AssertionError);
  assert.throws(() => assertSpread(backends(20, 20), { weights: [3, 1] }), AssertionError);
  assert.throws(() => assertSpread(backends(0, 0)), { message: "no backend got a call" });
});

test("bad input is named", () => {
  const bad: readonly [() => unknown, RegExp][] = [
    [() => assertSpread(backends(1), { tolerance: 2 }), /^RangeError: tolerance must be a number from 0 to 1, not 2$/],
    [() => assertSpread(backends(1), { weights: [] }), /^RangeError: weights must be 1 numbers, one for each backend/],
    [() => assertSpread(backends(1, 1), { weights: [0, 0] }), /^RangeError: weights must not all be 0$/],
    [() => assertSpread(backends(1), { weights: [-1] }), /^RangeError: each of weights must be/],
    [() => assertSpread([]), /^RangeError: assertSpread takes one backend or more$/],
    [() => assertSpread(7 as never), /^TypeError: assertSpread takes a list of backends, not 7$/],
    [() => assertSpread(backends(1), { tolerence: 0 } as never), /^TypeError: .* has no field "tolerence"/],
  ];
  for (const [act, expected] of bad) assert.throws(act, (error) => expected.test(String(error)), String(expected));
});
