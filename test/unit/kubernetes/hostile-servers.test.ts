import assert from "node:assert/strict";
import { createServer } from "node:net";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { refusal } from "../../support/scripted-api-server.ts";
import { readyEndpoint, slice } from "../../support/slices.ts";
import { startApiServer, until, watchService } from "./watching.ts";

const pods = (...addresses: string[]) =>
  slice(
    "a",
    addresses.map((address) => readyEndpoint(address)),
  );
const one = ["10.0.0.1:50051"];
const two = ["10.0.0.1:50051", "10.0.0.2:50051"];

async function watching(t: Parameters<typeof startApiServer>[0]) {
  const server = await startApiServer(t);
  server.put(pods("10.0.0.1"));
  const seen = watchService(t, { server: server.url });
  await seen.list(one);
  await until("it watches", () => server.watches === 1);
  return { server, seen };
}

test("a line of a megabyte is taken in, and one of twenty is an error that keeps the list", async (t) => {
  const { server, seen } = await watching(t);
  const annotations = { note: "x".repeat(2 ** 20) };
  const large = slice("a", [readyEndpoint("10.0.0.1"), readyEndpoint("10.0.0.2")]);
  server.send(
    JSON.stringify({
      type: "MODIFIED",
      object: { ...large, metadata: { name: "a", resourceVersion: "150", annotations } },
    }),
  );
  await seen.list(two);
  await seen.clock.advance(2_000);
  for (let i = 0; i < 20; i++) server.send("x".repeat(2 ** 20), "");
  await until("it is refused", () => seen.errors.some((message) => /a line of more than 16777216 bytes/.test(message)));
  assert.deepEqual(seen.newest, two);
});

test("characters that are cut in two by the network are whole, and bytes that are none are no end", async (t) => {
  const { server, seen } = await watching(t);
  const line = JSON.stringify({ type: "MODIFIED", object: pods("10.0.0.1", "10.0.0.2") });
  const note = '"metadata":{"resourceVersion":"151","annotations":{"n":"Grüße, 你好 ?"},';
  const bytes = Buffer.from(`${line.replace('"metadata":{', note)}\n`);
  bytes[bytes.indexOf("?")] = 0xff;
  for (let i = 0; i < bytes.length; i += 7) {
    server.sendBytes(bytes.subarray(i, i + 7));
    await sleep(1);
  }
  await seen.list(two);
  assert.deepEqual(seen.errors, []);
});

test("events of slices that nobody knows, of other kinds and without an object change nothing", async (t) => {
  const { server, seen } = await watching(t);
  const lists = seen.resolutions.length;
  const unknown = { metadata: { name: "zzz", resourceVersion: "160" } };
  for (const event of [
    { type: "DELETED", object: unknown },
    { type: "BOOKMARK", object: { metadata: null } },
    { type: "RENAMED", object: unknown },
    { type: "MODIFIED" },
    { type: 7, object: "text" },
    {},
    [],
  ]) {
    server.send(JSON.stringify(event));
  }
  server.put(pods("10.0.0.1", "10.0.0.2"));
  await seen.list(two);
  assert.equal(seen.resolutions.length, lists + 1);
  assert.deepEqual(seen.errors, []);
});

test("a server that takes connections and says nothing is given up after its time, and its list stays", async (t) => {
  const silent = createServer();
  await new Promise<void>((resolve) => silent.listen(0, "127.0.0.1", resolve));
  const sockets = new Set<{ destroy(): unknown }>();
  silent.on("connection", (socket) => {
    sockets.add(socket);
    socket.on("error", () => undefined).on("close", () => sockets.delete(socket));
  });
  t.after(() => {
    for (const socket of sockets) socket.destroy();
    silent.close();
  });
  const { port } = silent.address() as { readonly port: number };
  const seen = watchService(t, { server: `http://127.0.0.1:${port}` });
  await until("it asks", () => sockets.size === 1);
  await seen.clock.advance(59_000);
  assert.deepEqual(seen.errors, []);
  await seen.turnUntil("it is given up", () => seen.errors.length > 0);
  assert.match(seen.errors[0] ?? "", /gave no (answer|whole list) within 60000 ms/);
  await seen.turnUntil("it is asked again", () => sockets.size === 1);
});

test("errors that are HTML, empty, endless or no status at all are errors of one line, and none ends the watch for good", async (t) => {
  const { server, seen } = await watching(t);
  server.answerNext(
    (response) =>
      response.writeHead(502, { "content-type": "text/html" }).end("<html>\n<b>Bad Gateway\u0000</b>\n".repeat(500)),
    (response) => response.writeHead(503).end(),
    refusal(500, "etcdserver: no leader"),
    (response) => response.writeHead(204).end(),
    (response) => response.writeHead(301, { location: "http://elsewhere/" }).end(),
  );
  server.cut();
  await seen.turnUntil("all five were met", () => seen.errors.length >= 6);
  server.put(pods("10.0.0.1", "10.0.0.2"));
  await seen.list(two);
  for (const message of seen.errors) {
    assert.match(message, /^[\x20-\x7e]+$/, "one line");
    assert.ok(message.length < 600, message);
  }
  assert.match(
    seen.errors.join(" | "),
    /answered 502.*answered 503.*etcdserver: no leader.*answered 204.*answered 301/,
  );
});

test("a page that says again what was asked shows no token", async (t) => {
  const server = await startApiServer(t);
  server.answerNext((response) => response.writeHead(502).end("you sent authorization: Bearer a.secret.token"));
  const seen = watchService(t, { server: server.url, token: "a.secret.token" });
  await seen.turnUntil("it is said", () => seen.errors.length > 0);
  assert.match(seen.errors[0] ?? "", /answered 502 .*: you sent authorization: Bearer \*\*\*$/);
});

test("a watch cut in the middle of a line is taken up where the last whole event was", async (t) => {
  const { server, seen } = await watching(t);
  await seen.clock.advance(2_000);
  server.send('{"type":"MODIFIED","object":{"metadata":{"name":"a","resourceVersion":"999"},"endpoi', "");
  await sleep(10);
  server.cut();
  server.put(pods("10.0.0.1", "10.0.0.2"));
  await seen.list(two);
  assert.notEqual(server.requests.at(-1)?.version, "999");
});
