import assert from "node:assert/strict";
import { test } from "node:test";
import { optionRanges } from "../suites/chaos/option-ranges.ts";
import { documentedOptions, rangeOf } from "./documented-options.ts";

const options = documentedOptions();

test("chaos draws every option, and no other", () => {
  assert.deepEqual(Object.keys(optionRanges).sort(), options.map(({ name }) => name).sort());
});

for (const { name, docstring } of options.filter(({ isNumber }) => isNumber)) {
  test(`chaos knows the range of ${name} as its docstring says it`, () => {
    const said = rangeOf(docstring.replaceAll(/\s+/g, " "));
    const known = optionRanges[name as keyof typeof optionRanges].range;
    assert.equal(known?.min, said.min);
    assert.equal(known?.infinity !== undefined, said.infinity);
    if (said.max !== undefined) assert.equal(known?.max, said.max);
  });
}
