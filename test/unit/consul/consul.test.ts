import assert from "node:assert/strict";
import { describe, type TestContext, test } from "node:test";
import { type ConsulResolverOptions, consulResolver } from "../../../src/consul/index.ts";
import { QueryBudget } from "../../../src/consul/query-budget.ts";
import { type Clock, systemClock } from "../../../src/index.ts";
import { checkForLeaks } from "../../support/leaks.ts";
import { until } from "../../support/load.ts";
import { ManualClock, SocketsManualClock } from "../../support/manual-clock.ts";
import { QuietHold } from "../../support/quiet-hold.ts";
import { constantRandom } from "../../support/random.ts";
import { watchEndpoints } from "../resolver/watching-endpoints.ts";
import { type ConsulInstance, ConsulServer } from "./consul-server.ts";

checkForLeaks();

async function watching(
  t: TestContext,
  instances: readonly ConsulInstance[],
  options: ConsulResolverOptions = {},
  prepare: (server: ConsulServer) => void = () => undefined,
  clock?: Clock,
) {
  const server = new ConsulServer();
  const url = await server.start();
  server.set(instances);
  prepare(server);
  const reports = watchEndpoints(consulResolver({ url, ...options }), { host: "echo.service.consul", port: 80 }, clock);
  t.after(async () => {
    reports.close();
    await server.close();
  });
  return { server, ...reports };
}

const a: ConsulInstance = { address: "10.0.0.1", port: 1 };
const b: ConsulInstance = { address: "10.0.0.2", port: 2 };
const shown = { a: "10.0.0.1:1 zone a of node-1", b: "10.0.0.2:2 zone a of node-1" };

describe("consulResolver", { concurrency: true }, () => {
  test("rule: instances that pass, at their address or their node's, with weight, and zone of the metadata", async (t) => {
    const { server, lists } = await watching(t, [
      { ...a, weights: { Passing: 5, Warning: 1 } },
      { nodeAddress: "10.0.0.9", port: 9, meta: { zone: "b" } },
      { ...b, status: "critical" },
      { address: "10.0.0.3", status: "warning" },
    ]);
    await until("a list is reported", () => lists.length > 0);
    assert.deepEqual(lists[0], ["10.0.0.1:1 weight 5 zone a of node-1", "10.0.0.9:9 zone b of node-1"]);
    assert.equal(server.queries[0]?.path, "/v1/health/service/echo");
    assert.deepEqual([...(server.queries[0]?.query ?? [])], [["passing", "1"]]);
  });

  test("an instance that was registered with nonsense keeps no other from being heard of", async (t) => {
    const ports = [0, -1, 70_000, 1.5];
    const nonsense = [{ address: "\x1b[2J" }, { address: "a\nb" }, ...ports.map((port) => ({ port }))];
    const { lists, errors } = await watching(t, [...nonsense.map((one) => ({ ...b, ...one })), a]);
    await until("a list is reported", () => lists.length > 0);
    assert.deepEqual([lists[0], errors], [[shown.a], []]);
  });

  test('health "warning": those that warn too, by their weight for it, and none that is critical', async (t) => {
    const warning: ConsulInstance = { ...b, status: "warning", weights: { Passing: 9, Warning: 2 } };
    const { lists } = await watching(t, [a, warning, { ...b, port: 3, status: "critical" }], { health: "warning" });
    await until("a list is reported", () => lists.length > 0);
    assert.deepEqual(lists[0], [shown.a, "10.0.0.2:2 weight 2 zone a of node-1"]);
  });

  test("rule: a blocking query with the last index and a wait hears of a change at once", async (t) => {
    const { server, lists } = await watching(t, [a], { waitMs: 60_000 });
    await until("it waits for a change", () => server.blocked === 1);
    assert.deepEqual(
      [...(server.queries.at(-1)?.query ?? [])],
      [
        ["passing", "1"],
        ["index", "11"],
        ["wait", "60000ms"],
      ],
    );
    server.set([a, b]);
    await until("the change is reported", () => lists.length === 2);
    assert.deepEqual(lists[1], [shown.a, shown.b]);
  });

  test("an answer that is no list is an error, and asked for again without waiting for a change", async (t) => {
    const { server, errors, lists } = await watching(t, [a], { waitMs: 60_000 }, (server) => {
      server.answers.push((response) => void response.writeHead(200, { "X-Consul-Index": "11" }).end("<html>"));
    });
    await until("a list is reported", () => lists.length === 1);
    assert.match(errors[0] ?? "", /Consul at .*: its answer is no list of instances/);
    assert.equal(server.queries[1]?.query.get("index"), null);
  });

  test("rule: a return proves no change, and a list that is the same is not told again", async (t) => {
    const { server, lists, errors, watch } = await watching(t, [a], { waitMs: 1_000 });
    await until("it waits for a change", () => server.blocked === 1);
    await until("the wait has passed", () => server.blocked === 0);
    watch.refresh();
    await until("it waits again", () => server.blocked === 1);
    assert.deepEqual([lists, errors], [[[shown.a]], []]);
  });

  test("rule: an index that goes back is 0, so that the next query waits for nothing", async (t) => {
    const { server, lists, watch } = await watching(t, [a]);
    await until("it waits for a change", () => server.blocked === 1);
    server.set([b], 3);
    await until("what the restored server has is reported", () => lists.length === 2);
    const before = server.queries.length;
    watch.refresh();
    await until("it asks again", () => server.queries.length > before);
    assert.equal(server.queries.at(-1)?.query.has("index"), false);
  });

  test("rule: an index of 0, or none, is 1", async (t) => {
    const { server } = await watching(t, [a], {}, (server) => {
      server.index = 0;
    });
    await until("it asks again", () => server.queries.length === 2);
    assert.equal(server.queries[1]?.query.get("index"), "1");
  });

  test("rule: tags, near, data centre, namespace and filter are passed on, each tag by itself", async (t) => {
    const options = {
      tags: ["v2", "blue"],
      near: "_agent",
      datacenter: "dc 2",
      namespace: "ns",
      filter: 'Service.Port == "1"',
    };
    const { server, lists } = await watching(
      t,
      [
        { ...a, tags: ["v2", "blue"] },
        { ...b, tags: ["v2"] },
      ],
      options,
    );
    await until("a list is reported", () => lists.length > 0);
    assert.deepEqual(lists[0], [shown.a]);
    const query = server.queries[0]?.query;
    assert.deepEqual(query?.getAll("tag"), ["v2", "blue"]);
    assert.deepEqual(
      ["near", "dc", "ns", "filter"].map((name) => query?.get(name)),
      ["_agent", "dc 2", "ns", 'Service.Port == "1"'],
    );
  });

  test("rule: the token is sent, may change from query to query, and a denial says which right is missing", async (t) => {
    let token = "wrong-secret";
    const prepare = (server: ConsulServer) => {
      server.token = "right-secret";
    };
    const { server, lists, errors } = await watching(t, [a], { token: () => token }, prepare);
    await until("the denial is reported", () => errors.length > 0);
    assert.match(
      errors[0] ?? "",
      /service "echo": HTTP 403 \(Permission denied: .*: the token needs service:read for it, and node:read$/,
    );
    assert.ok(!errors[0]?.includes("secret"));
    server.answers.push((response) => void response.writeHead(502).end("you sent X-Consul-Token: wrong-secret"));
    await until("a page that says it again is reported", () => errors.length > 1);
    assert.match(errors[1] ?? "", /HTTP 502 \(you sent X-Consul-Token: \*\*\*\)/);
    token = "right-secret";
    await until("the right one is taken", () => lists.length > 0);
    assert.equal(server.queries.at(-1)?.token, "right-secret");
  });

  test("rule: 429 is waited out as it says, 500 by the growing wait, and both keep the list", async (t) => {
    const { server, lists, errors } = await watching(t, [a], {}, (server) => {
      server.answers.push(
        (response) =>
          void response
            .writeHead(429, { "Retry-After": "1" })
            .end("Your IP is issuing too many concurrent connections"),
        (response) => void response.writeHead(500).end("No cluster leader\x1b[31m"),
      );
    });
    await until("a list is reported", () => lists.length > 0);
    assert.equal(server.queries.length >= 3, true);
    assert.match(errors[0] ?? "", /HTTP 429 .*: it limits how often it may be asked/);
    assert.match(errors[1] ?? "", /HTTP 500 \(No cluster leader/);
    assert.equal(errors.length, 2);
  });

  test("rule: a service without an instance that passes is an error, which keeps the last list, and is waited on", async (t) => {
    const { server, lists, errors } = await watching(t, []);
    await until("it is said", () => errors.length === 1);
    assert.match(errors[0] ?? "", /service "echo": there is no instance whose checks pass$/);
    await until("it waits for a change", () => server.blocked === 1);
    server.set([a]);
    await until("a list is reported", () => lists.length === 1);
  });

  test("rule: with stale, a server that has not heard of its leader for 10 s is not believed, and the leader is asked", async (t) => {
    const { server, lists } = await watching(t, [a], { stale: true }, (server) => {
      server.lastContactMs = 11_000;
    });
    await until("the leader was asked", () => server.queries.length === 2);
    assert.deepEqual(
      server.queries.map(({ query }) => query.has("stale")),
      [true, false],
    );
    await until("its answer is reported", () => lists.length === 1);
  });

  test("an answer that is no list, and a Consul that is not there, are errors that say so", async (t) => {
    const { server, lists, errors } = await watching(t, [a], {}, (server) => {
      server.answers.push((response) => void response.end('{"a": 1}'));
      server.answers.push((response) => void response.destroy());
    });
    await until("both are said, and a list comes", () => lists.length > 0);
    assert.match(errors[0] ?? "", /no list of instances/);
    assert.match(errors[1] ?? "", /^Consul at http:\/\/127\.0\.0\.1:\d+, service "echo": socket hang up/);
    assert.ok(server.queries.length >= 3);
  });

  test("a Consul that takes a query and says nothing is an error after 10 s, and after its time where it waits for a change", async (t) => {
    const clock = new SocketsManualClock();
    const say = (server: ConsulServer) => server.answers.push(() => undefined);
    const { server, lists, errors } = await watching(t, [a], { waitMs: 16_000 }, say, clock);
    await until("it is asked", () => server.queries.length === 1);
    await clock.advance(9_999);
    assert.deepEqual(errors, []);
    await clock.advance(1);
    await until("it is said", () => errors.length === 1);
    assert.match(errors[0] ?? "", /service "echo": it gave no answer within 10000 ms$/);
    const askedAgain = (queries: number) => () => {
      if (server.queries.length < queries) void clock.advance(50);
      return server.queries.length === queries;
    };
    await until("it is asked again", askedAgain(2));
    say(server);
    await until("a list is reported", () => lists.length === 1);
    await until("it waits for a change", askedAgain(3));
    assert.equal(server.queries[2]?.query.get("wait"), "16000ms");
    // The wait, a sixteenth of it, and 10 s.
    await clock.advance(26_999);
    assert.equal(errors.length, 1);
    await clock.advance(1);
    await until("it is said again", () => errors.length === 2);
    assert.match(errors[1] ?? "", /it gave no answer within 27000 ms$/);
  });

  test("how long nothing has changed is not how long a lookup took, and the next query after a failure is foretold", async (t) => {
    const server = new ConsulServer();
    const resolver = consulResolver({ url: await server.start() });
    server.set([a]);
    const heard: string[] = [];
    const hold = new QuietHold();
    hold.acquire();
    const watch = resolver.watch(
      { host: "echo", port: 80 },
      {
        onResolution: ({ endpoints }) => heard.push(`${endpoints.length} backends`),
        onAddresses: () => undefined,
        onError: () => heard.push("error"),
        onLookupStarted: () => heard.push("lookup"),
      },
      { clock: systemClock(), random: constantRandom(), hold },
    );
    t.after(async () => {
      watch.close();
      await server.close();
    });
    await until("it waits for a change", () => server.blocked === 1);
    server.set([a, b]);
    await until("the change is reported", () => heard.length === 3);
    assert.deepEqual(heard, ["lookup", "1 backends", "2 backends"]);
    await until("it waits for a change again", () => server.blocked === 1);
    server.answers.push((response) => void response.writeHead(500).end());
    server.wake();
    await until("it has failed", () => heard.includes("error"));
    assert.equal(typeof watch.nextLookupMs, "number");
  });

  test("closing ends the query that waits", async (t) => {
    const { server, watch, errors } = await watching(t, [a]);
    await until("it waits for a change", () => server.blocked === 1);
    watch.close();
    await until("it is gone", () => server.blocked === 0);
    assert.deepEqual(errors, []);
  });
});

test("rule: two queries may follow each other at once, and then one each 15 s, unless calls fail", async () => {
  const clock = new ManualClock();
  const budget = new QueryBudget(clock);
  budget.take();
  assert.equal(budget.waitMs(false), 0);
  budget.take();
  assert.equal(budget.waitMs(false), 15_000);
  assert.equal(budget.waitMs(true), 0);
  await clock.advance(15_000);
  assert.equal(budget.waitMs(false), 0);
});

for (const [options, message] of [
  [{ servce: "x" }, /^TypeError: consulResolver has no option "servce"/],
  [
    { url: "http://me:secret@consul" },
    /^TypeError: consulResolver\.url must be an http or https URL without credentials, like "http:\/\/127/,
  ],
  [{ url: "consul:8500" }, /^TypeError: consulResolver\.url/],
  [{ waitMs: 999 }, /^RangeError: consulResolver\.waitMs must be a number from 1000 to 600000, not 999/],
  [{ health: "any" }, /^TypeError: consulResolver\.health/],
  [{ tags: "v1" }, /^TypeError: consulResolver\.tags/],
  [{ token: 1 }, /^TypeError: consulResolver\.token/],
  [{ near: "" }, /^TypeError: consulResolver\.near/],
] as const) {
  test(`consulResolver(${Object.keys(options).join()}) is refused where it means nothing`, () => {
    assert.throws(() => consulResolver(options as unknown as ConsulResolverOptions), message);
  });
}
