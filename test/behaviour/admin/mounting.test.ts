import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer, type Server } from "node:http";
import * as http2 from "node:http2";
import { type AddressInfo, connect, type Socket } from "node:net";
import { after, before, test } from "node:test";
import { setImmediate as nextTurn } from "node:timers/promises";
import { serve } from "@hono/node-server";
import express from "express";
import fastify from "fastify";
import { Hono } from "hono";
import { type AdminPage, adminPage } from "../../../src/admin/index.ts";
import { type GlinkTransport, glinkTransport } from "../../../src/index.ts";
import { checkForLeaks } from "../../support/leaks.ts";

checkForLeaks();

let transport: GlinkTransport;
let page: AdminPage;

before(() => {
  transport = glinkTransport({ baseUrl: "http://echo.test" });
  page = adminPage([transport], { metrics: () => "calls 1\n" });
});

after(async () => {
  page.close();
  await transport.close();
});

/** Asks for everything that the page is made of, as a browser would that was told of `path`. */
async function assertServes(server: Server, path: string): Promise<void> {
  if (!server.listening) await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  const at = (name: string) => new URL(name, `http://127.0.0.1:${port}${path}`);
  try {
    const html = await (await fetch(at(""))).text();
    assert.match(html, /^<!doctype html>\n<html lang="en">.*http:\/\/echo\.test/su);
    const types = new Map(
      await Promise.all(
        ["style.css", "script.js", "snapshot.json", "metrics", "ready", "nothing.txt"].map(async (name) => {
          const response = await fetch(at(name));
          await response.text();
          return [name, `${response.status} ${response.headers.get("content-type")?.replace(/;.*/, "")}`] as const;
        }),
      ),
    );
    assert.deepEqual(Object.fromEntries(types), {
      "style.css": "200 text/css",
      "script.js": "200 text/javascript",
      "snapshot.json": "200 application/json",
      metrics: "200 text/plain",
      ready: "200 text/plain",
      "nothing.txt": "404 text/plain",
    });
    assert.match(await firstEvent(at("events")), /^retry: 2000\n\nevent: parts\ndata: \{"overview":/);
    assert.equal((await fetch(at(""), { method: "POST", body: "x" })).status, 405);
    const head = await fetch(at(""), { method: "HEAD" });
    assert.deepEqual([head.status, await head.text()], [200, ""]);
  } finally {
    server.closeAllConnections();
    server.close();
    await once(server, "close");
  }
}

/** What is written first to who listens. */
async function firstEvent(url: URL): Promise<string> {
  const listening = new AbortController();
  const response = await fetch(url, { signal: listening.signal });
  let text = "";
  const decoder = new TextDecoder();
  for await (const chunk of response.body as unknown as AsyncIterable<Uint8Array>) {
    text += decoder.decode(chunk);
    if (/^data:.*\n\n/m.test(text)) break;
  }
  listening.abort();
  return text;
}

test("bare node:http serves the page", () => assertServes(createServer(page.node).listen(0, "127.0.0.1"), "/"));

test("browsers that go away in the middle of a stream make room for others", async () => {
  const server = createServer(page.node).listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  const listen = () => {
    const socket = connect(port, "127.0.0.1");
    socket.write("GET /events HTTP/1.1\r\nhost: localhost\r\n\r\n");
    return new Promise<{ socket: Socket; status: string }>((resolve) => {
      socket.once("data", (bytes) => resolve({ socket, status: bytes.toString().split(" ")[1] as string }));
    });
  };
  const eight = await Promise.all(Array.from({ length: 8 }, listen));
  const refused = await listen();
  assert.deepEqual([...new Set(eight.map(({ status }) => status)), refused.status], ["200", "503"]);
  refused.socket.destroy();
  for (const { socket } of eight) socket.resetAndDestroy();
  for (let status = "503"; status !== "200"; ) {
    const one = await listen();
    status = one.status;
    one.socket.destroy();
  }
  server.closeAllConnections();
  server.close();
  await once(server, "close");
});

/** Eight readers who are gone when the page is asked to answer them: whoever mounts it may have asked for their rights first. */
const goneReaders = 8;

test("readers who went away before the page could answer make room for others, on node:http", async () => {
  const late: Promise<void>[] = [];
  const server = createServer((request, response) => {
    if (request.url === "/events") return page.node(request, response);
    request.url = "/events";
    late.push(once(response, "close").then(() => page.node(request, response)));
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  for (let i = 1; i <= goneReaders; i++) {
    const socket = connect(port, "127.0.0.1");
    socket.write("GET /late HTTP/1.1\r\nhost: localhost\r\n\r\n");
    while (late.length < i) await nextTurn();
    socket.destroy();
  }
  await Promise.all(late);
  assert.match(await firstEvent(new URL(`http://127.0.0.1:${port}/events`)), /^retry: 2000/);
  server.closeAllConnections();
  server.close();
  await once(server, "close");
});

test("readers who went away before the page could answer make room for others, on node:http2", async () => {
  const late: Promise<void>[] = [];
  const server = http2.createServer((request, response) => {
    if (request.url === "/events") return page.node(request, response);
    request.url = "/events";
    late.push(once(response, "close").then(() => page.node(request, response)));
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const session = http2.connect(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
  for (let i = 1; i <= goneReaders; i++) {
    const stream = session.request({ ":path": "/late" });
    while (late.length < i) await nextTurn();
    stream.close(http2.constants.NGHTTP2_CANCEL);
    await once(stream, "close");
  }
  await Promise.all(late);
  const stream = session.request({ ":path": "/events" });
  const [headers] = (await once(stream, "response")) as [http2.IncomingHttpHeaders];
  assert.equal(headers[":status"], 200);
  session.destroy();
  server.close();
  await once(server, "close");
});

test("Express serves the page below a path, which it cuts", async () => {
  const app = express();
  app.use("/ops/glink", page.node);
  await assertServes(app.listen(0, "127.0.0.1"), "/ops/glink/");
});

test("Fastify serves the page below a path", async () => {
  const app = fastify({ forceCloseConnections: true });
  app.all("/glink/*", (request, reply) => {
    reply.hijack();
    page.node(request.raw, reply.raw);
  });
  await app.listen({ port: 0, host: "127.0.0.1" });
  await assertServes(app.server, "/glink/");
  await app.close();
});

test("Hono serves the page below a path, with the form of fetch", async () => {
  const app = new Hono();
  app.all("/glink/*", (context) => page.fetch(context.req.raw));
  await assertServes(serve({ fetch: app.fetch, port: 0, hostname: "127.0.0.1" }) as Server, "/glink/");
});

test("node:http2 serves the page", async () => {
  const server = http2.createServer((request, response) => page.node(request, response)).listen(0, "127.0.0.1");
  await once(server, "listening");
  const session = http2.connect(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
  const stream = session.request({ ":path": "/" });
  const [headers] = (await once(stream, "response")) as [http2.IncomingHttpHeaders];
  assert.equal(headers[":status"], 200);
  session.destroy();
  server.close();
  await once(server, "close");
});

test("a path without its last slash leads to the one with it, and to no other site", async () => {
  const app = express();
  app.use("/glink", page.node);
  const server = app.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  const response = await fetch(`http://127.0.0.1:${port}/glink?x=1`, { redirect: "manual" });
  assert.deepEqual([response.status, response.headers.get("location")], [308, "./glink/"]);
  const elsewhere = await page.fetch(new Request("http://localhost//evil.test"));
  assert.equal(elsewhere.headers.get("location"), null);
  server.closeAllConnections();
  server.close();
  await once(server, "close");
});
