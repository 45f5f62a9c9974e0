import assert from "node:assert/strict";
import { test } from "node:test";
import { inspect } from "node:util";
import { Code } from "@connectrpc/connect";
import { EchoService } from "../../../../proto/gen/glink/demo/v1/echo_pb.js";
import { type GlinkTransportOptions, glinkTransport } from "../../../../src/index.ts";

const service = EchoService.typeName;

function explain(options: Partial<GlinkTransportOptions>, method = EchoService.method.unary) {
  const transport = glinkTransport({ baseUrl: "http://echo.test", ...options });
  const { values } = transport.explain(method);
  return Object.fromEntries(values.map(({ name, value, origin }) => [name, { value, origin }]));
}

const retryPolicy = {
  maxAttempts: 4,
  initialBackoff: "0.2s",
  maxBackoff: "2s",
  backoffMultiplier: 0.5,
  retryableStatusCodes: ["ABORTED"],
};

test("without options every value is the default", () => {
  const { timeoutMs, waitForReady, hedging, ...retry } = explain({});
  assert.deepEqual(timeoutMs, { value: undefined, origin: "default" });
  assert.deepEqual(waitForReady, { value: false, origin: "default" });
  assert.deepEqual(hedging, { value: false, origin: "default" });
  assert.deepEqual(retry["retry.maxAttempts"], { value: 3, origin: "default" });
  assert.ok(Object.values(retry).every(({ origin }) => origin === "default"));
});

test("the method comes before the service, both before the service config, and that before the transport, value by value", () => {
  const explained = explain({
    retry: { idempotentOnly: true, maxAttempts: 7 },
    defaultTimeoutMs: 9_000,
    serviceConfig: { methodConfig: [{ name: [{ service }], timeout: "3s", waitForReady: true, retryPolicy }] },
    methods: {
      [service]: { timeoutMs: 2_000, retry: { initialBackoffMs: 10, jitter: 0 } },
      [`${service}/Unary`]: { retry: { initialBackoffMs: 20 } },
      [`${service}/Bidi`]: { waitForReady: false },
    },
  });
  const config = "serviceConfig.methodConfig[0]";
  assert.deepEqual(explained.timeoutMs, { value: 2_000, origin: `methods["${service}"]` });
  assert.deepEqual(explained.waitForReady, { value: true, origin: config });
  assert.deepEqual(explained["retry.initialBackoffMs"], { value: 20, origin: `methods["${service}/Unary"]` });
  assert.deepEqual(explained["retry.jitter"], { value: 0, origin: `methods["${service}"]` });
  assert.deepEqual(explained["retry.maxAttempts"], { value: 4, origin: config });
  assert.deepEqual(explained["retry.multiplier"], { value: 0.5, origin: config });
  assert.deepEqual(explained["retry.codes"], { value: [Code.Aborted], origin: config });
  assert.deepEqual(explained["retry.idempotentOnly"], { value: true, origin: "transport" });
  assert.deepEqual(explained["retry.bufferMaxBytes"], { value: 1_048_576, origin: "default" });
});

test("a method may be named as protobuf names it, with a dot", () => {
  const { timeoutMs, waitForReady } = explain({
    methods: {
      [service]: { timeoutMs: 3_000, waitForReady: false },
      [`${service}.Unary`]: { timeoutMs: 2_000, waitForReady: true },
      [`${service}/Unary`]: { timeoutMs: 1_000 },
    },
  });
  assert.deepEqual(timeoutMs, { value: 1_000, origin: `methods["${service}/Unary"]` });
  assert.deepEqual(waitForReady, { value: true, origin: `methods["${service}.Unary"]` });
});

test("of a service config the most specific entry holds whole, as in gRPC", () => {
  const serviceConfig = {
    methodConfig: [
      { name: [{ service, method: "Unary" }], waitForReady: true },
      { name: [{ service }], timeout: "1s" },
      { name: [{}], timeout: "5s" },
    ],
  };
  assert.equal(explain({ serviceConfig }).timeoutMs?.value, undefined);
  const transport = glinkTransport({ baseUrl: "http://echo.test", serviceConfig });
  const timeoutOf = (name: string) => transport.explain(name).values.find(({ name }) => name === "timeoutMs")?.value;
  assert.equal(timeoutOf(`${service}/Bidi`), 1_000);
  assert.equal(timeoutOf("other.Service/Unary"), 5_000);
});

test("retries that a method wants where the transport has none are those of the defaults", () => {
  const explained = explain({ retry: false, methods: { [service]: { retry: { maxAttempts: 2 } } } });
  assert.deepEqual(explained["retry.maxAttempts"], { value: 2, origin: `methods["${service}"]` });
  assert.deepEqual(explained["retry.codes"]?.value, [Code.Unavailable, Code.DeadlineExceeded]);
  assert.equal(explained["retry.codes"]?.origin, "default");
});

test("a method without retries has none, whatever its service says", () => {
  const explained = explain({
    methods: { [service]: { retry: { maxAttempts: 5 } }, [`${service}/Unary`]: { retry: false } },
  });
  assert.deepEqual(explained.retry, { value: false, origin: `methods["${service}/Unary"]` });
  assert.equal(explained["retry.maxAttempts"], undefined);
});

test("defaultTimeoutMs holds for methods that have no timeout", () => {
  const explained = explain({ defaultTimeoutMs: 750 });
  assert.deepEqual(explained.timeoutMs, { value: 750, origin: "transport, for calls that name none" });
});

test("people read a table, by console.log too, that says why a method does not hedge", () => {
  const transport = glinkTransport({ baseUrl: "http://echo.test", hedging: {}, retry: { codes: [Code.Aborted] } });
  const explained = transport.explain(EchoService.method.unary);
  assert.match(String(explained), /^glink\.demo\.v1\.EchoService\/Unary\n {2}timeoutMs {14,}none +default\n/);
  assert.match(String(explained), /retry\.codes +Aborted +transport\n/);
  assert.match(String(explained), /hedging\.delayMs +p95 +default\n/);
  assert.match(String(explained), /\(its calls do not hedge: its proto declares no idempotency_level\)$/);
  assert.equal(inspect(explained), String(explained));
  assert.match(String(transport.explain(EchoService.method.bidi)), /do not hedge: its requests are streams/);
  assert.deepEqual(transport.explain(`${service}/Unary`).notes, ["hedging depends on the method's descriptor"]);
});

for (const [given, text] of [
  [undefined, "not undefined"],
  ["EchoService", "not the string"],
  ["/a.B/C", "not the string"],
  [{}, "not an object"],
] as const) {
  test(`explain refuses what is no method: ${text}`, () => {
    const transport = glinkTransport({ baseUrl: "http://echo.test" });
    assert.throws(
      () => transport.explain(given as string),
      (error) => error instanceof TypeError && error.message.includes(text),
    );
  });
}

for (const [methods, text] of [
  [[], "methods must be an object, not an array"],
  [{ "a.B/": {} }, 'methods["a.B/"]: a name is "package.Service" or "package.Service/Method"'],
  [{ "/a.B/C": {} }, 'methods["/a.B/C"]: a name is'],
  [{ "a.B": 1 }, 'methods["a.B"] must be an object, not 1'],
  [{ "a.B": { timeout: 1 } }, 'methods["a.B"] has no field "timeout"'],
  [{ "a.B": { timeoutMs: 0 } }, 'methods["a.B"].timeoutMs must be a number from 1'],
  [{ "a.B": { waitForReady: 1 } }, 'methods["a.B"].waitForReady must be true or false'],
  [
    { "a.B": { retry: { maxAttempts: 0 } } },
    'methods["a.B"].retry.maxAttempts must be an integer from 1 to 100, not 0',
  ],
  [{ "a.B": { retry: { budget: false } } }, 'methods["a.B"].retry.budget is an option of the transport'],
  [
    { "a.B": { hedging: { maxAttempts: 1 } } },
    'methods["a.B"].hedging.maxAttempts must be an integer from 2 to 100, not 1',
  ],
  [{ "a.B": { hedging: { delayMs: "95" } } }, 'methods["a.B"].hedging.delayMs must be a number from 0'],
  [
    { "a.B": { hedging: { delayMs: "p100" } } },
    'or a percentile like "p95", above p0 and below p100, not the string "p100"',
  ],
  [{ "a.B": { hedging: { delayMs: -1 } } }, 'methods["a.B"].hedging.delayMs must be a number from 0'],
  [{ "a.B": { hedging: { nonFatalCodes: [99] } } }, 'methods["a.B"].hedging.nonFatalCodes must hold values of Code'],
] as const) {
  test(`a bad entry of methods is refused by name: ${text}`, () => {
    assert.throws(
      () => glinkTransport({ baseUrl: "http://echo.test", methods: methods as never }),
      (error: Error) => (error instanceof TypeError || error instanceof RangeError) && error.message.includes(text),
    );
  });
}
