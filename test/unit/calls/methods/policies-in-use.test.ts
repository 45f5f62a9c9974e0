import assert from "node:assert/strict";
import { test } from "node:test";
import { Code, createClient, type Interceptor } from "@connectrpc/connect";
import { EchoService } from "../../../../proto/gen/glink/demo/v1/echo_pb.js";
import { parseAddress } from "../../../../src/endpoint/address.ts";
import { endpointOf } from "../../../../src/endpoint/endpoint.ts";
import type { Resolver, ResolverListener } from "../../../../src/index.ts";
import { systemHold } from "../../../../src/runtime/process-hold.ts";
import { createTransport } from "../../../../src/transport/transport.ts";
import { checkForLeaks } from "../../../support/leaks.ts";
import { until } from "../../../support/load.ts";
import { SocketsManualClock } from "../../../support/manual-clock.ts";
import { constantRandom } from "../../../support/random.ts";
import { answer, errorOf, failTrailersOnly, startFleet, staySilent, watched, withBench } from "../scripted-server.ts";

checkForLeaks();

const service = EchoService.typeName;
const unavailable = failTrailersOnly(Code.Unavailable);

/** What a server was told of the deadline, in milliseconds. */
function timeoutMs(headers: Record<string, unknown>): number {
  const [, digits, unit] = /^(\d+)([SmM])$/.exec(String(headers["grpc-timeout"])) ?? [];
  return Number(digits) * ({ S: 1_000, m: 1, M: 60_000 } as Record<string, number>)[String(unit)]!;
}

for (const [own, sent] of [
  [undefined, 500],
  [0, 500],
  [10_000, 500],
  [200, 200],
] as const) {
  test(`a method's timeoutMs of 500 and a call's own of ${own}: ${sent} holds`, () =>
    withBench(
      { script: staySilent, options: { defaultTimeoutMs: 60_000, methods: { [service]: { timeoutMs: 500 } } } },
      async ({ client, clock, fleet }) => {
        const failed = errorOf(client.unary({}, own === undefined ? {} : { timeoutMs: own }));
        await until("the server has the call", () => fleet.calls.length === 1);
        assert.equal(timeoutMs(fleet.calls[0]?.headers ?? {}), sent);
        await clock.advance(sent);
        assert.equal((await failed).code, Code.DeadlineExceeded);
      },
    ));
}

test("other methods have the transport's defaultTimeoutMs", () =>
  withBench(
    {
      script: staySilent,
      options: { defaultTimeoutMs: 60_000, methods: { [`${service}/UnaryIdempotent`]: { timeoutMs: 500 } } },
    },
    async ({ client, clock, fleet }) => {
      const failed = errorOf(client.unary({}));
      await until("the server has the call", () => fleet.calls.length === 1);
      assert.equal(timeoutMs(fleet.calls[0]?.headers ?? {}), 60_000);
      await clock.advance(60_000);
      await failed;
    },
  ));

test("a method's timeoutMs holds for the whole of a call with interceptors, and for streams", () => {
  const twice: Interceptor = (next) => async (request) => {
    await next(request).catch(() => undefined);
    return next(request);
  };
  return withBench(
    { script: staySilent, options: { interceptors: [twice], methods: { [service]: { timeoutMs: 500 } } } },
    async ({ client, clock, fleet }) => {
      const failed = errorOf(client.unary({}));
      const stream = errorOf(client.serverStream({})[Symbol.asyncIterator]().next());
      await until("the server has the calls", () => fleet.calls.length === 2);
      await clock.advance(500);
      assert.deepEqual([(await failed).code, (await stream).code], [Code.DeadlineExceeded, Code.DeadlineExceeded]);
    },
  );
});

test("each method is retried as it says, and a call that says otherwise comes first", () =>
  withBench(
    {
      script: unavailable,
      options: {
        retry: { initialBackoffMs: 0 },
        methods: {
          [service]: { retry: { maxAttempts: 2 } },
          [`${service}/UnaryIdempotent`]: { retry: false },
        },
      },
    },
    async ({ client, fleet }) => {
      const attemptsOf = async (call: () => Promise<unknown>) => {
        const before = fleet.calls.length;
        await errorOf(call());
        return fleet.calls.length - before;
      };
      assert.equal(await attemptsOf(() => client.unary({})), 2);
      assert.equal(await attemptsOf(() => client.unaryIdempotent({})), 1);
      const { contextValues } = watched({ retry: { maxAttempts: 4 } });
      assert.equal(await attemptsOf(() => client.unary({}, { contextValues })), 4);
    },
  ));

test("a service config's waits follow its own curve, also one that shrinks", () =>
  withBench(
    {
      script: unavailable,
      options: {
        serviceConfig: JSON.stringify({
          methodConfig: [
            {
              name: [{ service }],
              retryPolicy: {
                maxAttempts: 3,
                initialBackoff: "0.3s",
                maxBackoff: "5s",
                backoffMultiplier: 0.5,
                retryableStatusCodes: ["UNAVAILABLE"],
              },
            },
          ],
        }),
      },
    },
    async ({ client, clock }) => {
      const { reports, contextValues } = watched();
      const failed = errorOf(client.unary({}, { contextValues }));
      for (const [waits, delayMs] of [300, 150].entries()) {
        await until("the attempt has failed", () => reports.length === waits + 1);
        assert.equal(reports[waits]?.retryDelayMs, delayMs);
        await clock.advance(delayMs);
      }
      await failed;
    },
  ));

test("retryThrottling takes a token for each failure, and stops retries at half of them", () =>
  withBench(
    {
      script: (call) => (call.headers["x-fail"] === undefined ? answer("ok") : unavailable)(call),
      options: {
        retry: { initialBackoffMs: 0, maxAttempts: 3 },
        serviceConfig: { retryThrottling: { maxTokens: 6, tokenRatio: 0.5 } },
      },
    },
    async ({ client, fleet, transport }) => {
      const fail = async () => {
        const before = fleet.calls.length;
        const error = await errorOf(client.unary({}, { headers: { "x-fail": "1" } }));
        return { attempts: fleet.calls.length - before, error };
      };
      assert.equal((await fail()).attempts, 3, "5 and 4 tokens are more than half, 3 come after the last attempt");
      const refused = await fail();
      assert.equal(refused.attempts, 1, "2 tokens are not");
      assert.equal(transport.snapshot().calls.retriesWithheld.budget, 1);
      for (let i = 0; i < 6; i++) await client.unary({});
      assert.equal((await fail()).attempts, 2, "2 and six halves are 5, 4 of which are more than half and 3 are not");
    },
  ));

test("a service config that comes while calls are open is for those that begin after it", async () => {
  const fleet = await startFleet(3, staySilent);
  let told: ResolverListener | undefined;
  const bring = (entry: object) =>
    told?.onResolution({
      endpoints: fleet.addresses.map((address) => endpointOf(parseAddress(address))),
      config: { methodConfig: [{ name: [{ service }], ...entry }] },
    });
  const resolver: Resolver = {
    name: "by hand",
    watch(_, listener) {
      told = listener;
      bring({ hedgingPolicy: { maxAttempts: 2, hedgingDelay: "0.05s" } });
      return { refresh: () => undefined, close: () => undefined };
    },
  };
  const clock = new SocketsManualClock();
  const runtime = { clock, random: constantRandom(), hold: systemHold() };
  const transport = createTransport({ baseUrl: "http://echo.test", resolver }, runtime);
  const client = createClient(EchoService, transport);
  await transport.ready();
  const abort = new AbortController();
  const { signal } = abort;
  const before = errorOf(client.unary({}, { signal }));
  await until("it is sent", () => fleet.calls.length === 1);
  bring({ timeout: "0.2s" });
  const after = errorOf(client.unary({}, { signal }));
  await until("the other is sent", () => fleet.calls.length === 2);
  await clock.advance(50);
  await until("the first one hedges, as it began", () => fleet.calls.length === 3);
  assert.deepEqual(
    fleet.calls.map(({ headers }) => headers["grpc-timeout"]),
    [undefined, "200m", undefined],
  );
  await clock.advance(150);
  assert.equal((await after).code, Code.DeadlineExceeded);
  assert.equal(fleet.calls.length, 3, "it does not hedge");
  abort.abort();
  assert.equal((await before).code, Code.Canceled);
  const closed = transport.close({ timeoutMs: 0 });
  await clock.advance(1);
  await closed;
  await fleet.close();
});
