import assert from "node:assert/strict";
import { test } from "node:test";
import { Code, createContextValues } from "@connectrpc/connect";
import { EchoService } from "../../../../proto/gen/glink/demo/v1/echo_pb.js";
import { type GlinkCallOptions, type GlinkTransportOptions, glinkCall, glinkTransport } from "../../../../src/index.ts";
import { checkForLeaks } from "../../../support/leaks.ts";
import { errorOf, failTrailersOnly, withBench } from "../scripted-server.ts";

checkForLeaks();

const service = EchoService.typeName;
const { unaryIdempotent } = EchoService.method;
const method = `${service}/${unaryIdempotent.name}`;

/** Where a value can be set, but for the call, the most specific first. */
const levels = ["method", "service", "config, method", "config, service", "config, all", "transport"] as const;
type Level = (typeof levels)[number];

/** The same value at every level: how it is written there, and which number belongs to which. */
interface Value {
  readonly path: string;
  readonly at: Readonly<Record<Level, number>>;
  readonly isUnset: unknown;
  readonly read: (value: unknown) => unknown;
  /** In `methods`, and for the whole transport. */
  readonly own: (n: number) => object;
  readonly transport?: (n: number) => object;
  readonly config: (n: number) => object;
}

const counted = {
  method: 8,
  service: 7,
  "config, method": 5,
  "config, service": 4,
  "config, all": 2,
  transport: 6,
};

const retryPolicy = {
  initialBackoff: "0.001s",
  maxBackoff: "0.001s",
  backoffMultiplier: 1,
  retryableStatusCodes: ["UNAVAILABLE"],
};

const values: readonly Value[] = [
  {
    path: "retry.maxAttempts",
    at: counted,
    isUnset: 3,
    read: (value) => value,
    own: (maxAttempts) => ({ retry: { maxAttempts } }),
    config: (maxAttempts) => ({ retryPolicy: { ...retryPolicy, maxAttempts } }),
  },
  {
    path: "hedging.delayMs",
    at: counted,
    isUnset: undefined,
    read: (value) => value,
    own: (delayMs) => ({ hedging: { delayMs } }),
    config: (delayMs) => ({ hedgingPolicy: { maxAttempts: 2, hedgingDelay: `0.00${delayMs}s` } }),
  },
  {
    path: "timeoutMs",
    at: counted,
    isUnset: undefined,
    read: (value) => value,
    own: (timeoutMs) => ({ timeoutMs }),
    transport: (defaultTimeoutMs) => ({ defaultTimeoutMs }),
    config: (timeoutMs) => ({ timeout: `0.00${timeoutMs}s` }),
  },
  {
    path: "waitForReady",
    at: { method: 1, service: 0, "config, method": 1, "config, service": 0, "config, all": 1, transport: 1 },
    isUnset: false,
    read: Number,
    own: (n) => ({ waitForReady: n === 1 }),
    config: (n) => ({ waitForReady: n === 1 }),
  },
];

/** A transport's options that set the value at these levels. */
function optionsWith(
  { at, own, transport = own, config }: Value,
  set: readonly Level[],
): Partial<GlinkTransportOptions> {
  const has = (level: Level) => set.includes(level);
  const entry = (level: Level, name: object) => (has(level) ? [{ name: [name], ...config(at[level]) }] : []);
  const methodConfig = [
    ...entry("config, method", { service, method: unaryIdempotent.name }),
    ...entry("config, service", { service }),
    ...entry("config, all", {}),
  ];
  return {
    ...(has("transport") ? transport(at.transport) : {}),
    ...(methodConfig.length > 0 ? { serviceConfig: { methodConfig } } : {}),
    methods: {
      ...(has("method") ? { [method]: own(at.method) } : {}),
      ...(has("service") ? { [service]: own(at.service) } : {}),
    },
  };
}

for (const value of values) {
  test(`${value.path}: of any levels that set it the most specific holds, and explain names it`, () => {
    for (let mask = 0; mask < 2 ** levels.length; mask++) {
      const set = levels.filter((_, i) => (mask >> i) % 2 === 1);
      const transport = glinkTransport({ baseUrl: "http://echo.test", ...optionsWith(value, set) });
      const explained = transport.explain(unaryIdempotent).values.find(({ name }) => name === value.path);
      const [first] = set;
      if (first === undefined) {
        assert.equal(explained?.value, value.isUnset);
        continue;
      }
      assert.equal(value.read(explained?.value), value.at[first], `${set}`);
      const origin = {
        method: `methods["${method}"]`,
        service: `methods["${service}"]`,
        transport: "transport",
      }[first as string];
      assert.ok(
        explained?.origin.startsWith(origin ?? "serviceConfig.methodConfig[0]"),
        `${set}: ${explained?.origin}`,
      );
    }
  });
}

const [retries] = values as [Value];

for (const [i, first] of (["call", ...levels, "default"] as const).entries()) {
  const wanted = first === "call" ? 9 : first === "default" ? 3 : counted[first];
  test(`attempts at the servers, where the ${first} is the first to say how many: ${wanted}`, () => {
    const set = levels.slice(Math.max(0, i - 1));
    const budget = { ratio: 1, minPerSecond: 1_000 };
    const { retry, ...options } = optionsWith(retries, set);
    return withBench(
      { script: failTrailersOnly(Code.Unavailable), options: { ...options, retry: { ...retry, budget } } },
      async ({ client, clock, fleet }) => {
        const own: GlinkCallOptions = first === "call" ? { retry: { maxAttempts: 9 } } : {};
        let isOver = false;
        const failed = errorOf(
          client.unaryIdempotent({}, { contextValues: createContextValues().set(glinkCall, own) }),
        );
        failed.finally(() => {
          isOver = true;
        });
        while (!isOver) await clock.advance(1_000);
        assert.equal((await failed).code, Code.Unavailable);
        assert.equal(fleet.calls.length, wanted);
      },
    );
  });
}
