import assert from "node:assert/strict";
import type { ServerResponse } from "node:http";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { refusal, type ScriptedApiServer } from "../../support/scripted-api-server.ts";
import { readyEndpoint, slice } from "../../support/slices.ts";
import { startApiServer, until, watchService } from "./watching.ts";

const one = ["10.0.0.1:50051"];
const two = ["10.0.0.1:50051", "10.0.0.2:50051"];
const pods = (...hosts: string[]) =>
  slice(
    "a",
    hosts.map((host) => readyEndpoint(host)),
  );
const lists = ({ requests }: ScriptedApiServer) => requests.filter(({ verb }) => verb === "list");
const watches = ({ requests }: ScriptedApiServer) => requests.filter(({ verb }) => verb === "watch");

test("lists whatever the server has at hand, and watches from there, with bookmarks, for 300 to 600 s", async (t) => {
  const server = await startApiServer(t);
  server.put(pods("10.0.0.1"));
  const seen = watchService(t, { server: server.url });
  await seen.list(one);
  await until("it watches", () => server.watches === 1);
  const [list, watch] = server.requests;
  assert.equal(list?.path, "/apis/discovery.k8s.io/v1/namespaces/shop/endpointslices");
  assert.equal(list.query.get("labelSelector"), "kubernetes.io/service-name=echo");
  assert.equal(list.version, "0");
  assert.equal(watch?.version, String(server.version));
  assert.equal(watch.query.get("allowWatchBookmarks"), "true");
  assert.equal(watch.query.get("timeoutSeconds"), "450");
});

test("each event replaces one slice, or takes it away, and the list is all of them", async (t) => {
  const server = await startApiServer(t);
  server.put(pods("10.0.0.1"));
  const seen = watchService(t, { server: server.url });
  await seen.list(one);
  await until("it watches", () => server.watches === 1);
  server.put(slice("b", [readyEndpoint("10.0.0.2")]));
  await seen.list(two);
  server.put(slice("b", [readyEndpoint("10.0.0.3")]));
  await seen.list(["10.0.0.1:50051", "10.0.0.3:50051"]);
  server.delete("a");
  await seen.list(["10.0.0.3:50051"]);
  server.delete("b");
  await seen.turnUntil("an empty list", () => seen.resolutions.at(-1)?.endpoints.length === 0);
  assert.equal(seen.resolutions.at(-1)?.authoritative, true, "and that is the truth");
  assert.deepEqual(seen.errors, []);
});

test("an endpoint that the controller moves is never seen to be missing", async (t) => {
  const server = await startApiServer(t);
  server.put(pods("10.0.0.1", "10.0.0.2"));
  const seen = watchService(t, { server: server.url });
  await seen.list(two);
  await until("it watches", () => server.watches === 1);
  server.put(pods("10.0.0.1"));
  server.put(slice("b", [readyEndpoint("10.0.0.2")]));
  server.put(slice("c", [readyEndpoint("10.0.0.3")]));
  await seen.list([...two, "10.0.0.3:50051"]);
  assert.equal(seen.resolutions.length, 2);
});

test("a watch that ends in good order goes on from the newest version, a bookmark's too, without a list", async (t) => {
  const server = await startApiServer(t);
  server.put(pods("10.0.0.1"));
  const seen = watchService(t, { server: server.url });
  await seen.list(one);
  await until("it watches", () => server.watches === 1);
  server.bookmark();
  await sleep(20);
  await seen.clock.advance(400_000);
  server.endWatches();
  await seen.turnUntil("it watches again", () => watches(server).length === 2);
  assert.equal(watches(server)[1]?.version, String(server.version));
  server.put(pods("10.0.0.1", "10.0.0.2"));
  await seen.list(two);
  assert.equal(lists(server).length, 1);
  assert.deepEqual(seen.errors, []);
});

test("what happened while no watch was open is not missed", async (t) => {
  const server = await startApiServer(t);
  server.put(pods("10.0.0.1"));
  const seen = watchService(t, { server: server.url });
  await seen.list(one);
  await until("it watches", () => server.watches === 1);
  await seen.clock.advance(5_000);
  server.cut();
  server.put(pods("10.0.0.1", "10.0.0.2"));
  await seen.list(two);
  assert.equal(lists(server).length, 1, "without a list");
  assert.equal(seen.errors.length, 1, "a cut connection is an error");
});

test("410 in a watch: the list is asked for anew, without a version, and spread over 30 s", async (t) => {
  const server = await startApiServer(t);
  server.put(pods("10.0.0.1"));
  const seen = watchService(t, { server: server.url });
  await seen.list(one);
  await until("it watches", () => server.watches === 1);
  await seen.clock.advance(60_000);
  server.put(pods("10.0.0.2"));
  server.compact();
  server.cut();
  await seen.turnUntil("the second watch", () => watches(server).length === 2);
  await sleep(20);
  await seen.clock.advance(14_000);
  assert.equal(lists(server).length, 1, "the middle of 30 s is not reached");
  assert.deepEqual(seen.newest, one, "and the last list serves");
  await seen.list(["10.0.0.2:50051"]);
  assert.equal(lists(server)[1]?.version, null);
});

for (const watchesFromNow of [true, false]) {
  const what = watchesFromNow
    ? "what happens until then is heard all the same"
    : "a server that cannot tell that alone is no error";
  test(`410 in a watch: the list waits, and ${what}`, async (t) => {
    const server = await startApiServer(t);
    server.watchesFromNow = watchesFromNow;
    server.put(slice("b", [readyEndpoint("10.0.0.9")]));
    server.put(pods("10.0.0.1"));
    const seen = watchService(t, { server: server.url });
    await seen.list(["10.0.0.1:50051", "10.0.0.9:50051"]);
    await until("it watches", () => server.watches === 1);
    await seen.clock.advance(60_000);
    server.delete("b");
    server.compact();
    server.cut();
    const fromNow = () => watches(server).find(({ query }) => query.get("sendInitialEvents") === "false");
    await seen.turnUntil("it asks for what happens from now on", () => fromNow() !== undefined);
    assert.equal(fromNow()?.query.get("resourceVersionMatch"), "NotOlderThan", "which the other needs");
    await until("it is answered", () => server.watches === Number(watchesFromNow));
    const errors = seen.errors.length;
    server.put(pods("10.0.0.1", "10.0.0.2"));
    if (watchesFromNow) {
      await seen.list(["10.0.0.1:50051", "10.0.0.2:50051", "10.0.0.9:50051"]);
      assert.equal(lists(server).length, 1, "before the list");
    }
    await seen.list(two);
    assert.equal(lists(server).length, 2, "what had happened before is in the list");
    await seen.turnUntil("one watch is left", () => server.watches === 1);
    server.put(pods("10.0.0.1"));
    await seen.list(one);
    assert.equal(seen.errors.length, errors, "and nothing was wrong");
  });
}

test("410 while calls fail: the list is asked for at once", async (t) => {
  const server = await startApiServer(t);
  server.put(pods("10.0.0.1"));
  const seen = watchService(t, { server: server.url });
  await seen.list(one);
  await until("it watches", () => server.watches === 1);
  await seen.clock.advance(60_000);
  server.put(pods("10.0.0.2"));
  server.compact();
  server.cut();
  await seen.turnUntil("the second watch", () => watches(server).length === 2);
  await sleep(20);
  seen.watch.refresh();
  seen.watch.refresh();
  const beforeMs = seen.clock.now();
  await seen.list(["10.0.0.2:50051"]);
  assert.ok(seen.clock.now() - beforeMs < 2_000, `${seen.clock.now() - beforeMs} ms`);
});

test("a list of a version that is gone, or of one that this server has not seen, is asked for without one", async (t) => {
  for (const [code, message] of [
    [410, "The provided continue parameter is too old"],
    [504, "Timeout: Too large resource version: 9, current: 2"],
  ] as const) {
    const server = await startApiServer(t);
    server.put(pods("10.0.0.1"));
    server.answerNext(refusal(code, message));
    const seen = watchService(t, { server: server.url });
    await seen.list(one);
    assert.deepEqual(
      lists(server).map(({ version }) => version),
      ["0", null],
    );
    assert.deepEqual(seen.errors, []);
  }
});

test("a server in the place of the first, which refuses its version, is an error and asked for a list without one", async (t) => {
  const server = await startApiServer(t);
  server.put(pods("10.0.0.1"));
  const seen = watchService(t, { server: server.url });
  await seen.list(one);
  await until("it watches", () => server.watches === 1);
  await seen.clock.advance(5_000);
  const refuse = () => refusal(400, `Invalid value: "${server.version}": it is no version of mine`);
  server.answerNext(refuse(), refuse());
  server.endWatches();
  await seen.turnUntil("it watches again", () => lists(server).length === 3 && server.watches === 1);
  assert.deepEqual(
    lists(server).map(({ version }) => version),
    ["0", String(server.version), null],
  );
  assert.match(
    seen.errors.join(),
    /^the API server at \S+ answered 400 to a watch of endpointslices: Invalid value[^,]*$/,
  );
});

test("an ERROR event that is no 410 is an error, and the list is asked for again, from the version that was seen", async (t) => {
  const server = await startApiServer(t);
  server.put(pods("10.0.0.1"));
  const seen = watchService(t, { server: server.url });
  await seen.list(one);
  await until("it watches", () => server.watches === 1);
  await seen.clock.advance(5_000);
  server.error(500, "etcd event received with PrevKv=nil");
  await seen.turnUntil("a second list", () => lists(server).length === 2);
  assert.equal(lists(server)[1]?.version, String(server.version));
  assert.match(seen.errors[0] ?? "", /answered 500 to a watch of endpointslices: etcd event/);
});

test("half a line waits for its other half, and one that never comes changes nothing", async (t) => {
  const server = await startApiServer(t);
  server.put(pods("10.0.0.1"));
  const seen = watchService(t, { server: server.url });
  await seen.list(one);
  await until("it watches", () => server.watches === 1);
  await seen.clock.advance(5_000);
  const object = { ...pods("10.0.0.1", "10.0.0.2"), metadata: { name: "a", resourceVersion: "200" } };
  const text = JSON.stringify({ type: "MODIFIED", object });
  server.send(text.slice(0, 90), "");
  await sleep(20);
  await seen.clock.advance(1_000);
  assert.deepEqual(seen.newest, one);
  server.send(text.slice(90));
  await seen.list(two);
  server.send(text.slice(0, 50), "");
  await sleep(20);
  server.endWatches();
  await seen.turnUntil("it watches again", () => watches(server).length === 2);
  assert.deepEqual(seen.errors, []);
});

test("a line that is no JSON is an error, and the watch goes on from the last version", async (t) => {
  const server = await startApiServer(t);
  server.put(pods("10.0.0.1"));
  const seen = watchService(t, { server: server.url });
  await seen.list(one);
  await until("it watches", () => server.watches === 1);
  await seen.clock.advance(5_000);
  server.send("<html>a proxy's page</html>");
  await seen.turnUntil("it watches again", () => watches(server).length === 2);
  assert.match(seen.errors[0] ?? "", /JSON/);
  server.put(pods("10.0.0.1", "10.0.0.2"));
  await seen.list(two);
});

test("429 is waited out as Retry-After says, and a watch that was refused needs no list", async (t) => {
  const server = await startApiServer(t);
  server.put(pods("10.0.0.1"));
  server.answerNext(refusal(429, "too many requests", { "retry-after": "7" }));
  const seen = watchService(t, { server: server.url });
  await seen.turnUntil("the first refusal", () => seen.errors.length === 1);
  assert.match(seen.errors[0] ?? "", /answered 429 to a list of endpointslices: too many requests/);
  for (let i = 0; i < 20; i++) seen.watch.refresh();
  await seen.clock.advance(6_900);
  assert.equal(server.requests.length, 1, "hints change nothing");
  server.answerNext(
    (response) => response.end(JSON.stringify({ metadata: { resourceVersion: "101" }, items: [pods("10.0.0.1")] })),
    refusal(429, "too many requests", { "retry-after": "1" }),
  );
  await seen.list(one);
  await seen.turnUntil("a watch", () => server.watches === 1);
  assert.equal(lists(server).length, 2);
});

test("a token that is refused is read anew, once", async (t) => {
  const server = await startApiServer(t);
  server.put(pods("10.0.0.1"));
  server.tokens = new Set(["new"]);
  const tokens = ["old", "new"];
  const seen = watchService(t, { server: server.url, token: () => tokens.shift() ?? "new" });
  await seen.list(one);
  assert.deepEqual(
    server.requests.slice(0, 2).map(({ token }) => token),
    ["old", "new"],
  );
  assert.deepEqual(seen.errors, []);
  const lost = watchService(t, { server: server.url, token: "wrong" });
  await lost.turnUntil("it is refused", () => lost.errors.length > 0);
  assert.match(lost.errors[0] ?? "", /does not accept the token: Unauthorized/);
});

test("a 403 names the verb that is missing, and what to do", async (t) => {
  const server = await startApiServer(t);
  server.put(pods("10.0.0.1"));
  const message = 'endpointslices is forbidden: User "reader" cannot watch';
  server.answerNext(refusal(403, message));
  const seen = watchService(t, { server: server.url });
  await seen.turnUntil("the list is refused", () => seen.errors.length === 1);
  assert.match(
    seen.errors[0] ?? "",
    /may not list endpointslices in namespace shop.*It lacks list: endpointslices is f/,
  );
  server.answerNext(
    (response) => response.end(JSON.stringify({ metadata: { resourceVersion: "101" }, items: [pods("10.0.0.1")] })),
    refusal(403, message),
  );
  await seen.turnUntil("the watch is refused", () => seen.errors.length === 2);
  assert.match(seen.errors[1] ?? "", /It lacks watch/);
  assert.deepEqual(seen.newest, one, "what could be listed is used");
});

test("a watch that ends at once, again and again, is a failure that is tried less and less", async (t) => {
  const server = await startApiServer(t);
  server.put(pods("10.0.0.1"));
  const seen = watchService(t, { server: server.url });
  await seen.list(one);
  await until("it watches", () => server.watches === 1);
  server.answerNext(...Array.from({ length: 1_000 }, () => (response: ServerResponse) => void response.end()));
  server.endWatches();
  for (let i = 0; i < 120; i++) {
    await seen.clock.advance(1_000);
    await sleep(1);
  }
  assert.match(seen.errors[0] ?? "", /ended a watch at once/);
  assert.ok(watches(server).length < 25, `${watches(server).length} watches in 2 min`);
  assert.equal(lists(server).length, 1, "and no list");
});

test("a watch that is silent beyond its time is dead", async (t) => {
  const server = await startApiServer(t);
  server.put(pods("10.0.0.1"));
  const seen = watchService(t, { server: server.url });
  await seen.list(one);
  await until("it watches", () => server.watches === 1);
  await seen.clock.advance(479_000);
  assert.equal(watches(server).length, 1);
  await seen.turnUntil("it watches again", () => watches(server).length === 2);
  assert.match(seen.errors[0] ?? "", /did not end a watch in time: its connection is dead/);
  await until("the dead one was closed", () => server.watches === 1);
});

test("a watch that is silent while calls fail is made anew, once in 30 s", async (t) => {
  const server = await startApiServer(t);
  server.put(pods("10.0.0.1"));
  const seen = watchService(t, { server: server.url });
  await seen.list(one);
  await until("it watches", () => server.watches === 1);
  await sleep(20);
  for (let i = 0; i < 100; i++) {
    seen.watch.refresh();
    await seen.clock.advance(1_000);
    await sleep(1);
  }
  assert.ok(watches(server).length >= 3 && watches(server).length <= 5, `${watches(server).length} watches in 100 s`);
  assert.equal(lists(server).length, 1);
  assert.deepEqual(seen.errors, []);
});

test("the rotation timer's hints leave a watch alone", async (t) => {
  const server = await startApiServer(t);
  server.put(pods("10.0.0.1"));
  const seen = watchService(t, { server: server.url });
  await seen.list(one);
  await until("it watches", () => server.watches === 1);
  for (let i = 0; i < 12; i++) {
    await seen.clock.advance(30_000);
    seen.watch.refresh();
  }
  await sleep(10);
  assert.equal(server.requests.length, 2);
});

test("a list that takes longer than a minute has failed, and is asked for again", async (t) => {
  const server = await startApiServer(t);
  server.put(pods("10.0.0.1"));
  server.answerNext((response) => void response.write('{"metadata":'));
  const seen = watchService(t, { server: server.url });
  await until("it is asked", () => server.requests.length === 1);
  await sleep(20);
  await seen.clock.advance(60_000);
  await seen.turnUntil("an error", () => seen.errors.length === 1);
  assert.match(seen.errors[0] ?? "", /gave no whole list within 60000 ms/);
  await seen.list(one);
});

test("an answer that is no list is an error", async (t) => {
  const server = await startApiServer(t);
  for (const [text, message] of [
    ["<html>", /no list of EndpointSlices/],
    ['{"items":[]}', /a list that has no resourceVersion/],
    ["null", /a list that has no resourceVersion/],
  ] as const) {
    server.answerNext((response) => void response.end(text));
    const seen = watchService(t, { server: server.url });
    await seen.turnUntil("an error", () => seen.errors.length === 1);
    assert.match(seen.errors[0] ?? "", message);
    seen.watch.close();
  }
});

test("a server that is away is tried with waits that grow to 30 s, and the last list stays", async (t) => {
  const server = await startApiServer(t);
  server.put(pods("10.0.0.1"));
  const seen = watchService(t, { server: server.url });
  await seen.list(one);
  await until("it watches", () => server.watches === 1);
  await seen.clock.advance(10_000);
  const port = Number(new URL(server.url).port);
  await server.close();
  for (let i = 0; i < 120; i++) {
    await seen.clock.advance(1_000);
    await sleep(2);
  }
  assert.ok(seen.errors.length >= 5 && seen.errors.length < 25, `${seen.errors.length} tries in 2 min`);
  assert.match(seen.errors.at(-1) ?? "", /ECONNREFUSED/);
  assert.deepEqual(seen.newest, one);
  server.put(pods("10.0.0.1", "10.0.0.2"));
  await server.listen(port);
  await seen.list(two);
  assert.equal(lists(server).length, 1, "the history was still there");
});

test("hundreds of slices are one list, and a change of one costs one event", async (t) => {
  const server = await startApiServer(t);
  const pod = (i: number, j: number) => readyEndpoint(`10.1.${i % 250}.${1 + j + (i >= 250 ? 100 : 0)}`);
  for (let i = 0; i < 300; i++) server.put(slice(`s${i}`, [pod(i, 0), pod(i, 1)]));
  const seen = watchService(t, { server: server.url });
  await seen.turnUntil("600 endpoints", () => seen.newest.length === 600);
  await until("it watches", () => server.watches === 1);
  server.put(slice("s7", [pod(7, 0)]));
  await seen.turnUntil("599 endpoints", () => seen.newest.length === 599);
  assert.equal(lists(server).length, 1);
});

test("a slice that cannot be read is an error, and what it changed is asked for again", async (t) => {
  const server = await startApiServer(t);
  server.put(pods("10.0.0.1"));
  const seen = watchService(t, { server: server.url });
  await seen.list(one);
  await until("it watches", () => server.watches === 1);
  await seen.clock.advance(5_000);
  const known = `${server.version}`;
  server.send(
    JSON.stringify({ type: "MODIFIED", object: { metadata: { name: "a", resourceVersion: "999" }, endpoints: 7 } }),
  );
  await seen.turnUntil("it watches again", () => watches(server).length === 2);
  assert.equal(seen.errors.length, 1);
  assert.equal(watches(server)[1]?.version, known);
  server.put(pods("10.0.0.1", "10.0.0.2"));
  await seen.list(two);
});

test("what is null counts as absent, and a slice that says it is another Service's is passed over", async (t) => {
  const server = await startApiServer(t);
  server.put(pods("10.0.0.1"));
  const seen = watchService(t, { server: server.url });
  await seen.list(one);
  await until("it watches", () => server.watches === 1);
  const send = (object: object) => server.send(JSON.stringify({ type: "ADDED", object }));
  const labels = { "kubernetes.io/service-name": "other" };
  const ports = [{ name: null, port: 50_051, protocol: null }, { port: null }];
  send({ metadata: { name: "x", resourceVersion: "900", labels }, ports, endpoints: [{ addresses: ["10.9.9.9"] }] });
  const nulls = { conditions: null, hints: { forZones: null, forNodes: null }, targetRef: null, zone: null };
  const endpoints = [{ addresses: null }, { addresses: ["10.0.0.2"], ...nulls }];
  send({ metadata: { name: "y", resourceVersion: "901", labels: null }, ports, endpoints });
  await seen.list(two);
  assert.deepEqual(seen.errors, []);
});

test("watches that end at once after a bookmark of what is known are tried less and less", async (t) => {
  const server = await startApiServer(t);
  server.put(pods("10.0.0.1"));
  const seen = watchService(t, { server: server.url });
  await seen.list(one);
  await until("it watches", () => server.watches === 1);
  const resourceVersion = `${server.version}`;
  const bookmark = `${JSON.stringify({ type: "BOOKMARK", object: { metadata: { resourceVersion } } })}\n`;
  server.answerNext(...Array.from({ length: 1_000 }, () => (response: ServerResponse) => void response.end(bookmark)));
  server.endWatches();
  for (let i = 0; i < 120; i++) {
    await seen.clock.advance(1_000);
    await sleep(1);
  }
  assert.match(seen.errors[0] ?? "", /ended a watch at once/);
  assert.ok(watches(server).length < 25, `${watches(server).length} watches in 2 min`);
});
