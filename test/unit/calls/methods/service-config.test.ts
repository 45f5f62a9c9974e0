import assert from "node:assert/strict";
import { test } from "node:test";
import { Code } from "@connectrpc/connect";
import { parseServiceConfig } from "../../../../src/calls/methods/service-config.ts";

const retryPolicy = {
  maxAttempts: 3,
  initialBackoff: "0.05s",
  maxBackoff: "1.5s",
  backoffMultiplier: 1.5,
  retryableStatusCodes: ["UNAVAILABLE", "cancelled", 8, "Deadline_Exceeded"],
};

/** The config of one method with these fields. */
function methodWith(fields: object, name: object = { service: "s.S", method: "M" }) {
  return parseServiceConfig({ methodConfig: [{ name: [name], ...fields }] }).entries.get("s.S/M")?.config;
}

test("a retry policy is read as gRPC writes it: durations, names of codes and their numbers", () => {
  assert.deepEqual(methodWith({ timeout: "10.250s", waitForReady: true, retryPolicy }), {
    timeoutMs: 10_250,
    waitForReady: true,
    retry: {
      maxAttempts: 3,
      initialBackoffMs: 50,
      maxBackoffMs: 1_500,
      multiplier: 1.5,
      jitter: 0.2,
      codes: [Code.Unavailable, Code.Canceled, Code.ResourceExhausted, Code.DeadlineExceeded],
    },
    hedging: false,
  });
});

test("a hedging policy hedges whatever method it names, at once without a delay", () => {
  assert.deepEqual(methodWith({ hedgingPolicy: { maxAttempts: 4, hedgingDelay: "0.5s" } })?.hedging, {
    maxAttempts: 4,
    delayMs: 500,
    nonFatalCodes: [],
    idempotentOnly: false,
  });
  const { hedging } = methodWith({ hedgingPolicy: { maxAttempts: 2, nonFatalStatusCodes: [14] } }) ?? {};
  assert.deepEqual(hedging, { maxAttempts: 2, delayMs: 0, nonFatalCodes: [Code.Unavailable], idempotentOnly: false });
});

test("more than five attempts are five, as in every client of gRPC", () => {
  const { retry } = methodWith({ retryPolicy: { ...retryPolicy, maxAttempts: 50 } }) ?? {};
  assert.equal(retry !== false && retry?.maxAttempts, 5);
});

test("JSON text is the same, fields that nobody knows are ignored, and null is a field that is not there", () => {
  const text = JSON.stringify({
    loadBalancingConfig: [{ round_robin: {} }],
    inventedTomorrow: 1,
    retryThrottling: null,
    methodConfig: [
      { name: [{ service: "s.S" }], timeout: null, retryPolicy: null, color: "blue" },
      { name: [{ method: "" }], waitForReady: false },
    ],
  });
  const { entries, retryThrottling } = parseServiceConfig(text);
  assert.equal(retryThrottling, undefined);
  assert.deepEqual(
    [...entries].map(([key, { origin, config }]) => [key, origin, config]),
    [
      ["s.S", "serviceConfig.methodConfig[0]", {}],
      ["", "serviceConfig.methodConfig[1]", { waitForReady: false }],
    ],
  );
});

test("the examples of gRFC A6 are taken as they stand: their durations begin with a point", () => {
  const { entries } = parseServiceConfig({
    methodConfig: [
      {
        name: [{ service: "s.S" }],
        retryPolicy: {
          maxAttempts: 4,
          initialBackoff: ".1s",
          maxBackoff: "1s",
          backoffMultiplier: 2,
          retryableStatusCodes: ["UNAVAILABLE"],
        },
      },
      {
        name: [{ service: "s.T" }],
        hedgingPolicy: { maxAttempts: 4, hedgingDelay: ".5s", nonFatalStatusCodes: ["UNAVAILABLE", "ABORTED"] },
      },
    ],
  });
  const { retry } = entries.get("s.S")?.config ?? {};
  const { hedging } = entries.get("s.T")?.config ?? {};
  assert.ok(retry && hedging);
  assert.deepEqual([retry.initialBackoffMs, hedging.delayMs], [100, 500]);
});

test("three decimals of tokenRatio count", () => {
  const { retryThrottling } = parseServiceConfig({ retryThrottling: { maxTokens: 10, tokenRatio: 0.1239 } });
  assert.deepEqual(retryThrottling, { maxTokens: 10, tokenRatio: 0.123 });
});

const entry = (fields: object) => ({ methodConfig: [{ name: [{ service: "s.S", method: "M" }], ...fields }] });
const retryWith = (fields: object) => entry({ retryPolicy: { ...retryPolicy, ...fields } });
const policy = "serviceConfig.methodConfig[0].retryPolicy";

const refused: readonly (readonly [unknown, string])[] = [
  ["{", "serviceConfig must be an object or JSON text, and this is no JSON"],
  [[], "serviceConfig must be an object or JSON text, not an array"],
  [{ methodConfig: {} }, "serviceConfig.methodConfig must be an array, not an object"],
  [{ methodConfig: [1] }, "serviceConfig.methodConfig[0] must be an object, not 1"],
  [
    { methodConfig: [{ name: [{ method: "M" }] }] },
    "serviceConfig.methodConfig[0].name[0] has a method, and no service",
  ],
  [{ methodConfig: [{ name: [{ service: 7 }] }] }, "serviceConfig.methodConfig[0].name[0].service must be a text"],
  [
    { methodConfig: [{ name: [{ service: "s.S" }] }, { name: [{ service: "s.S" }] }] },
    'serviceConfig.methodConfig[1].name holds "s.S", which an earlier methodConfig has already',
  ],
  [
    entry({ timeout: 5 }),
    'serviceConfig.methodConfig[0].timeout must be a duration like "1.5s", above 0 to 315576000000s',
  ],
  [entry({ timeout: "5" }), 'not the string "5"'],
  [entry({ timeout: "1e3s" }), 'not the string "1e3s"'],
  [entry({ timeout: "-1s" }), 'not the string "-1s"'],
  [entry({ timeout: "0s" }), 'not the string "0s"'],
  [entry({ timeout: "0.1234567890s" }), "must be a duration"],
  [entry({ timeout: ".s" }), 'not the string ".s"'],
  [entry({ timeout: "1.s" }), 'not the string "1.s"'],
  [entry({ timeout: "-.5s" }), 'not the string "-.5s"'],
  [entry({ waitForReady: "yes" }), "serviceConfig.methodConfig[0].waitForReady must be true or false"],
  [retryWith({ maxAttempts: 1 }), `${policy}.maxAttempts must be an integer from 2 to 4294967295, not 1`],
  [retryWith({ maxAttempts: "3" }), `${policy}.maxAttempts must be an integer`],
  [retryWith({ initialBackoff: "0s" }), `${policy}.initialBackoff must be a duration`],
  [retryWith({ maxBackoff: undefined }), `${policy}.maxBackoff must be a duration`],
  [retryWith({ backoffMultiplier: 0 }), `${policy}.backoffMultiplier must be above 0`],
  [retryWith({ backoffMultiplier: -1 }), `${policy}.backoffMultiplier must be a number from 0`],
  [retryWith({ retryableStatusCodes: [] }), `${policy}.retryableStatusCodes must hold at least one code`],
  [
    retryWith({ retryableStatusCodes: ["OOPS"] }),
    `${policy}.retryableStatusCodes[0] must be a code like "UNAVAILABLE"`,
  ],
  [retryWith({ retryableStatusCodes: [17] }), `${policy}.retryableStatusCodes[0] must be a code`],
  [entry({ retryPolicy, hedgingPolicy: { maxAttempts: 2 } }), "has a retryPolicy and a hedgingPolicy"],
  [entry({ hedgingPolicy: {} }), "serviceConfig.methodConfig[0].hedgingPolicy.maxAttempts must be an integer"],
  [
    entry({ hedgingPolicy: { maxAttempts: 2, hedgingDelay: "-1s" } }),
    'serviceConfig.methodConfig[0].hedgingPolicy.hedgingDelay must be a duration like "1.5s", from 0',
  ],
  [{ retryThrottling: { maxTokens: 0, tokenRatio: 1 } }, "serviceConfig.retryThrottling.maxTokens must be above 0"],
  [
    { retryThrottling: { maxTokens: 1001, tokenRatio: 1 } },
    "serviceConfig.retryThrottling.maxTokens must be a number from 0 to 1000",
  ],
  [
    { retryThrottling: { maxTokens: 10, tokenRatio: 0.0001 } },
    "serviceConfig.retryThrottling.tokenRatio must be at least 0.001",
  ],
];

for (const [config, text] of refused) {
  test(`what cannot be meant is refused with its path and range: ${text}`, () => {
    assert.throws(
      () => parseServiceConfig(config as string),
      (error: Error) => (error instanceof TypeError || error instanceof RangeError) && error.message.includes(text),
    );
  });
}
