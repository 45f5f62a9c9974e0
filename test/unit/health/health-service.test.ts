import assert from "node:assert/strict";
import { test } from "node:test";
import { Code, ConnectError, createClient, createRouterTransport } from "@connectrpc/connect";
import { Health, healthService, ServingStatus } from "../../../src/health/index.ts";
import { checkForLeaks } from "../../support/leaks.ts";

checkForLeaks();

const { SERVING, NOT_SERVING, SERVICE_UNKNOWN } = ServingStatus;

function setUp(services?: readonly string[]) {
  const health = healthService(services);
  return { health, client: createClient(Health, createRouterTransport(health.routes)) };
}

/** The next status of a watch, or undefined at its end. */
async function next(watch: AsyncIterator<{ status: number }>): Promise<number | undefined> {
  const { done, value } = await watch.next();
  return done === true ? undefined : value.status;
}

test("the server and the services that are named serve from the start; others are not known", async () => {
  const { client } = setUp(["shop.v1.Orders"]);
  assert.equal((await client.check({})).status, SERVING);
  assert.equal((await client.check({ service: "shop.v1.Orders" })).status, SERVING);
  const error = ConnectError.from(await client.check({ service: "shop.v1.Carts" }).catch((reason) => reason));
  assert.deepEqual([error.code, error.rawMessage], [Code.NotFound, "unknown service"]);
});

test("a watch is told the status and each change, and nothing twice", async () => {
  const { health, client } = setUp();
  const watch = client.watch({ service: "shop.v1.Orders" })[Symbol.asyncIterator]();
  assert.equal(await next(watch), SERVICE_UNKNOWN);
  health.set("shop.v1.Orders", "serving");
  assert.equal(await next(watch), SERVING);
  health.set("shop.v1.Orders", "serving");
  health.set("other", "not-serving");
  const change = next(watch);
  health.set("shop.v1.Orders", "not-serving");
  assert.equal(await change, NOT_SERVING);
  await watch.return?.();
});

test("a server that stops says of all that they do not serve, ends watches, and cannot be told otherwise", async () => {
  const { health, client } = setUp();
  const watch = client.watch({})[Symbol.asyncIterator]();
  assert.equal(await next(watch), SERVING);
  health.stop();
  health.set("", "serving");
  assert.deepEqual([await next(watch), await next(watch)], [NOT_SERVING, undefined]);
  assert.equal((await client.check({})).status, NOT_SERVING);
  const late = client.watch({ service: "unheard" })[Symbol.asyncIterator]();
  assert.deepEqual([await next(late), await next(late)], [SERVICE_UNKNOWN, undefined]);
});

test("watches that were given up leave nothing that a change would wake", async () => {
  const { health, client } = setUp();
  const signals = Array.from({ length: 100 }, () => new AbortController());
  const ends = signals.map(async ({ signal }) => {
    for await (const { status } of client.watch({}, { signal })) assert.equal(status, SERVING);
  });
  await new Promise((resolve) => setImmediate(resolve));
  for (const abort of signals) abort.abort();
  const ended = await Promise.allSettled(ends);
  assert.ok(ended.every(({ status }) => status === "rejected"));
  health.set("", "not-serving");
  assert.equal((await client.check({})).status, NOT_SERVING);
});

test("what is no name and no status is a TypeError", () => {
  assert.throws(() => healthService("shop.v1.Orders" as never), /takes an array of names of services, not shop/);
  assert.throws(() => healthService([1 as never]), /must be a string, not 1/);
  assert.throws(() => healthService().set("", "SERVING" as never), /"serving" or "not-serving", not SERVING/);
});
