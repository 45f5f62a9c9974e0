import assert from "node:assert/strict";
import { test } from "node:test";
import { configOfRecords } from "../../../src/resolver/service-config-record.ts";

const client = { hostname: "pod-1", percent: 40 };
const recordOf = (choices: unknown) => [[`grpc_config=${JSON.stringify(choices)}`]];
const a = { methodConfig: [{ name: [{ service: "a" }] }] };
const b = { methodConfig: [{ name: [{ service: "b" }] }] };

test("the first choice that is for this client holds: language, percentage and name of the host", () => {
  for (const [first, expected] of [
    [{}, a],
    [{ clientLanguage: ["go", "NODE"] }, a],
    [{ clientLanguage: ["go"] }, b],
    [{ clientLanguage: [] }, a],
    [{ percentage: 41 }, a],
    [{ percentage: 40 }, b],
    [{ percentage: 0 }, b],
    [{ clientHostname: ["pod-1"] }, a],
    [{ clientHostname: ["pod-2"] }, b],
    [{ clientLanguage: ["node"], percentage: 10 }, b],
  ] as const) {
    const record = recordOf([{ ...first, serviceConfig: a }, { serviceConfig: b }]);
    assert.deepEqual(configOfRecords(record, client), expected, JSON.stringify(first));
  }
});

test("records of other kinds are passed over, pieces are put together, and no choice is no config", () => {
  const [[text = ""] = []] = recordOf([{ serviceConfig: a }]);
  assert.deepEqual(configOfRecords([["v=spf1 -all"], [text.slice(0, 20), text.slice(20)]], client), a);
  assert.equal(configOfRecords([["v=spf1 -all"]], client), undefined);
  assert.equal(configOfRecords(recordOf([{ clientLanguage: ["go"], serviceConfig: a }]), client), undefined);
});

for (const [record, text] of [
  [[["grpc_config=oops"]], "JSON"],
  [recordOf({}), "it must be a list of choices, not an object"],
  [recordOf([1]), "choice 0 must be an object, not 1"],
  [recordOf([{ serviceConfig: a, percentage: 101 }]), "percentage of choice 0 must be from 0 to 100, not 101"],
  [recordOf([{ serviceConfig: a }, {}]), "serviceConfig of choice 1 must be an object, not undefined"],
  [recordOf([{ serviceConfig: a, clientLanguage: "go" }]), "clientLanguage of choice 0 must be a list"],
] as const) {
  test(`a record that cannot be read says why: ${text}`, () => {
    assert.throws(
      () => configOfRecords(record, client),
      (error: Error) => error.message.includes(text),
    );
  });
}
