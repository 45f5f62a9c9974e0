import assert from "node:assert/strict";
import { test } from "node:test";
import { Http2SessionManager } from "@connectrpc/connect-node";
import { checkChannelOptions } from "../../../src/channel/channel-options.ts";
import { type GlinkTransportOptions, glinkTransport } from "../../../src/index.ts";

const baseUrl = "http://127.0.0.1:50051";

/** Makes a transport with one option, whatever its type. */
function withOption(path: string, value: unknown): () => unknown {
  const options: Record<string, unknown> = { baseUrl };
  const names = path.split(".");
  const last = names.pop() as string;
  let place = options;
  for (const name of names) {
    const inner: Record<string, unknown> = {};
    place[name] = inner;
    place = inner;
  }
  place[last] = value;
  return () => glinkTransport(options as unknown as GlinkTransportOptions);
}

/** Numeric options: a value in range, and whether a fraction, zero and Infinity are values too. */
const numbers: Record<string, { good: number; fraction?: true; zero?: true; infinity?: true }> = {
  rotationIntervalMs: { good: 1_000, infinity: true },
  maxConnectionAgeMs: { good: 1_000, infinity: true },
  drainTimeoutMs: { good: 500, fraction: true, zero: true, infinity: true },
  connectTimeoutMs: { good: 5_000 },
  maxQueuedCalls: { good: 10, zero: true, infinity: true },
  maxQueuedBytes: { good: 1_000, zero: true, infinity: true },
  maxHeaderListBytes: { good: 8_192 },
  pingIntervalMs: { good: 10_000, infinity: true },
  pingTimeoutMs: { good: 1_000 },
  idleConnectionTimeoutMs: { good: 60_000, infinity: true },
  defaultTimeoutMs: { good: 1_000, fraction: true, zero: true, infinity: true },
  compressMinBytes: { good: 100, zero: true },
  readMaxBytes: { good: 1_000 },
  writeMaxBytes: { good: 1_000 },
  "reconnectBackoff.initialBackoffMs": { good: 100 },
  "reconnectBackoff.multiplier": { good: 2 },
  "reconnectBackoff.maxBackoffMs": { good: 1_000 },
  "reconnectBackoff.jitter": { good: 0.1, fraction: true, zero: true },
  "retry.maxAttempts": { good: 5 },
  "retry.initialBackoffMs": { good: 100, fraction: true, zero: true },
  "retry.multiplier": { good: 2 },
  "retry.maxBackoffMs": { good: 1_000, fraction: true, zero: true },
  "retry.jitter": { good: 0.1, fraction: true, zero: true },
  "retry.perAttemptTimeoutMs": { good: 100, infinity: true },
  "retry.bufferMaxBytes": { good: 100, zero: true },
  "retry.bufferTotalMaxBytes": { good: 100, zero: true, infinity: true },
  "retry.budget.ratio": { good: 0.5, fraction: true, zero: true },
  "retry.budget.minPerSecond": { good: 1, fraction: true, zero: true },
  "nodeOptions.connectionWindowSize": { good: 100_000 },
  "nodeOptions.settings.initialWindowSize": { good: 100_000, zero: true },
};

for (const [name, { good, fraction, zero, infinity }] of Object.entries(numbers)) {
  test(`${name} takes numbers of its range and refuses everything else by name`, () => {
    assert.doesNotThrow(withOption(name, good));
    for (const value of ["5", null, true, {}, [], () => 5, 5n]) {
      assert.throws(withOption(name, value), (error) => error instanceof TypeError && error.message.includes(name));
    }
    const outside = [-1, Number.NaN, Number.NEGATIVE_INFINITY];
    if (!fraction) outside.push(0.5);
    if (!zero) outside.push(0);
    if (!infinity) outside.push(Number.POSITIVE_INFINITY);
    else assert.doesNotThrow(withOption(name, Number.POSITIVE_INFINITY));
    for (const value of outside) {
      assert.throws(
        withOption(name, value),
        (error) => error instanceof RangeError && error.message.includes(name) && error.message.includes(String(value)),
        `${name}: ${value}`,
      );
    }
  });
}

test("a time of 2^31 ms is taken as it is, because no timer of glink overflows", () => {
  for (const name of ["rotationIntervalMs", "maxConnectionAgeMs", "connectTimeoutMs", "pingIntervalMs"] as const) {
    assert.doesNotThrow(withOption(name, 2 ** 31));
  }
});

test("an interval under a second is refused, because it would flood DNS", () => {
  assert.throws(withOption("rotationIntervalMs", 999), /rotationIntervalMs must be a number from 1000 to .* not 999/);
});

for (const name of ["useBinaryFormat", "waitForReady", "pingIdleConnection", "retry.idempotentOnly"]) {
  test(`${name} is a boolean`, () => {
    for (const value of [true, false]) assert.doesNotThrow(withOption(name, value));
    for (const value of [1, "true", null])
      assert.throws(withOption(name, value), new RegExp(`${name} must be true or false`));
  });
}

for (const name of [
  "resolver",
  "loadBalancing",
  "interceptors",
  "acceptCompression",
  "sendCompression",
  "retry",
  "logger",
]) {
  test(`${name} of a wrong type is refused by name`, () => {
    for (const value of [5, "x"]) assert.throws(withOption(name, value), new RegExp(name));
  });
}

test("what is wrong within interceptors is named by its place", () => {
  assert.doesNotThrow(withOption("interceptors", [(next: unknown) => next]));
  const refused = /interceptors must be an array of functions, and interceptors\[1\] is an object/;
  assert.throws(withOption("interceptors", [(next: unknown) => next, {}]), refused);
  assert.throws(withOption("interceptors", {}), /interceptors must be an array of functions, not an object/);
});

test("a Compression without a name that a header can carry, or without its function, is refused at construction", () => {
  const good = { name: "own", compress: (bytes: Uint8Array) => bytes, decompress: (bytes: Uint8Array) => bytes };
  assert.doesNotThrow(withOption("acceptCompression", [good]));
  assert.doesNotThrow(withOption("sendCompression", good));
  for (const name of [undefined, null, 5, "", "g zip", "gzip\r\nx: y", "a,b"]) {
    const wrong = { ...good, name };
    assert.throws(withOption("acceptCompression", [good, wrong]), /acceptCompression\[1\]\.name must be the name/);
    assert.throws(withOption("sendCompression", wrong), /sendCompression\.name must be the name/);
  }
  assert.throws(
    withOption("acceptCompression", [{ name: "own" }]),
    /acceptCompression\[0\]\.decompress must be a function/,
  );
  assert.throws(withOption("sendCompression", { name: "own" }), /sendCompression\.compress must be a function/);
  assert.throws(withOption("acceptCompression", ["gzip"]), /acceptCompression\[0\] must be a Compression object/);
});

test("retry.codes holds status codes", () => {
  assert.doesNotThrow(withOption("retry.codes", [4, 14]));
  assert.throws(withOption("retry.codes", [0]), /retry\.codes must hold values of Code/);
  assert.throws(withOption("retry.codes", "unavailable"), /retry\.codes must be an array/);
});

test("retry false means no retry, and undefined means the default", () => {
  assert.equal(checkChannelOptions({ baseUrl, retry: false }).retry, false);
  const { retry } = checkChannelOptions({ baseUrl, retry: { maxAttempts: 5 } });
  assert.ok(retry !== false);
  assert.deepEqual(
    [retry.maxAttempts, retry.initialBackoffMs, retry.budget],
    [5, 100, { ratio: 0.1, minPerSecond: 10 }],
  );
});

test("a part of the retry budget leaves the other part at its default", () => {
  const { retry } = checkChannelOptions({ baseUrl, retry: { budget: { ratio: 0.5 } } });
  assert.deepEqual(retry === false ? undefined : retry.budget, { ratio: 0.5, minPerSecond: 10 });
});

test("a field that is undefined is at its default, in nested options too", () => {
  const nothing = undefined as never;
  const { reconnectBackoff, retry } = checkChannelOptions({
    baseUrl,
    reconnectBackoff: { initialBackoffMs: nothing },
    retry: { maxAttempts: nothing, budget: { ratio: nothing } },
  });
  assert.deepEqual(
    [reconnectBackoff, retry],
    [checkChannelOptions({ baseUrl }).reconnectBackoff, checkChannelOptions({ baseUrl }).retry],
  );
});

test("sessionManager is refused with the reason", () => {
  const sessionManager = new Http2SessionManager(baseUrl);
  assert.throws(
    () => glinkTransport({ baseUrl, sessionManager }),
    /sessionManager is one connection, and glink holds a pool/,
  );
});

test("an unknown option is a warning of the logger, never silence", () => {
  const warnings: string[] = [];
  const quiet = () => undefined;
  const logger = {
    debug: quiet,
    info: quiet,
    error: quiet,
    warn: (_: unknown, text: string) => void warnings.push(text),
  };
  glinkTransport({ baseUrl, logger, rotationInterval: 5 } as GlinkTransportOptions);
  assert.deepEqual(warnings, ['the option "rotationInterval" is unknown and has no effect']);
});

test("a field that retry, its budget or reconnectBackoff does not know is refused by name", () => {
  assert.throws(withOption("retry.maxRetries", 3), /retry has no field "maxRetries": it knows maxAttempts/);
  assert.throws(withOption("retry.budget.percent", 3), /retry\.budget has no field "percent"/);
  assert.throws(withOption("reconnectBackoff.initialMs", 3), /reconnectBackoff has no field "initialMs"/);
});

test("http2 is one of two engines, glink's own by default", () => {
  const engineOf = (options: Partial<GlinkTransportOptions>) => {
    const { engine, engineChosenBy } = glinkTransport({ baseUrl, ...options }).snapshot();
    return [engine, ...engineChosenBy];
  };
  const nodeOptions = { ca: "x", settings: { initialWindowSize: 100_000 }, connectionWindowSize: 100_000 };
  assert.deepEqual(engineOf({}), ["wire"]);
  assert.deepEqual(engineOf({ nodeOptions }), ["wire"]);
  assert.deepEqual(engineOf({ http2: "wire", nodeOptions }), ["wire"]);
  assert.deepEqual(engineOf({ http2: "node", nodeOptions }), ["node"]);
  assert.throws(withOption("http2", "quic"), /http2 must be "node" or "wire", not the string "quic"/);
  assert.throws(withOption("http2", null), /http2 must be "node" or "wire", not null/);
});

test("options that only node:http2 can serve choose it, the snapshot says so, and wire refuses them", () => {
  const nodeOptions = { maxSessionMemory: 5, settings: { headerTableSize: 0 } };
  const names = ["nodeOptions.maxSessionMemory", "nodeOptions.settings.headerTableSize"];
  const { engine, engineChosenBy } = glinkTransport({ baseUrl, nodeOptions }).snapshot();
  assert.deepEqual([engine, engineChosenBy], ["node", names]);
  assert.deepEqual(glinkTransport({ baseUrl, http2: "node", nodeOptions }).snapshot().engineChosenBy, []);
  assert.throws(
    () => glinkTransport({ baseUrl, http2: "wire", nodeOptions }),
    /cannot serve nodeOptions\.maxSessionMemory, nodeOptions\.settings\.headerTableSize: leave http2 away/,
  );
});

test("one options object serves two transports and stays unchanged", () => {
  const options: GlinkTransportOptions = Object.freeze({ baseUrl, interceptors: [], retry: { maxAttempts: 2 } });
  assert.notEqual(glinkTransport(options), glinkTransport(options));
});

test("a logger that lacks a level is refused by the level's name", () => {
  assert.throws(withOption("logger", { debug() {}, info() {}, warn() {} }), /logger\.error must be a function/);
});
