import assert from "node:assert/strict";
import { channel } from "node:diagnostics_channel";
import { test } from "node:test";
import { setImmediate as nextTurn } from "node:timers/promises";
import { Code, createClient } from "@connectrpc/connect";
import { EchoService } from "../../../proto/gen/glink/demo/v1/echo_pb.js";
import { type AdminPage, type AdminPageOptions, adminPage } from "../../../src/admin/index.ts";
import { type GlinkEvent, type GlinkSnapshot, type GlinkTransport, glinkTransport } from "../../../src/index.ts";
import { manualResolver, recordEvents } from "../../../src/testing/index.ts";
import { startConnectEcho } from "../../support/echo-server.ts";
import { startFramePeer } from "../../support/frame-peer.ts";
import { hostileTexts } from "../../support/hostile-texts.ts";
import { checkForLeaks } from "../../support/leaks.ts";
import { until } from "../../support/load.ts";

checkForLeaks();

const ask = (page: AdminPage, name = "", headers: Record<string, string> = {}) =>
  page.fetch(new Request(`http://localhost/${name}`, { headers }));
const html = async (page: AdminPage) => (await ask(page)).text();

/** Runs `work` with a page about a transport to `resolver`'s backends. */
async function withPage(
  work: (given: {
    page: AdminPage;
    transport: GlinkTransport;
    resolver: ReturnType<typeof manualResolver>;
  }) => Promise<void>,
  options: AdminPageOptions = {},
): Promise<void> {
  const resolver = manualResolver();
  const transport = glinkTransport({ baseUrl: "http://echo.test", resolver, retry: { maxAttempts: 2 } });
  const page = adminPage([transport], options);
  try {
    await work({ page, transport, resolver });
  } finally {
    page.close();
    await transport.close({ timeoutMs: 0 });
  }
}

test("backends, their states and what failed are on the page, as in the snapshot", async () => {
  const [one, two] = [await startConnectEcho(), await startConnectEcho()];
  await withPage(async ({ page, transport, resolver }) => {
    resolver.answer(one.address, two.address);
    await transport.ready();
    await until("both are ready", () => transport.snapshot().subchannels.every(({ state }) => state === "ready"));
    const client = createClient(EchoService, transport);
    for (let i = 0; i < 4; i++) await client.unary({});
    await assert.rejects(client.unary({ behavior: { failCode: Code.Unavailable } }));
    const text = await html(page);
    for (const { address } of [one, two]) assert.ok(text.includes(`<code>${address}</code>`), address);
    assert.match(text, /2 of 2 backends ready/);
    assert.match(text, /glink\.demo\.v1\.EchoService\/Unary<\/code>/);
    assert.match(text, /retried after \d+ ms/);
    assert.match(text, /<small>attempt 2<\/small>/);
    assert.match(text, /the call failed/);
    const [snapshot] = (await (await ask(page, "snapshot.json")).json()) as [GlinkSnapshot];
    assert.deepEqual(snapshot.calls, transport.snapshot().calls);
  });
  await Promise.all([one.close(), two.close()]);
});

test("how long calls take is on the page once somebody looks, and nobody hears calls before", async () => {
  const backend = await startConnectEcho();
  const calls = channel("tracing:glink:call:asyncEnd");
  await withPage(async ({ page, transport, resolver }) => {
    resolver.answer(backend.address);
    const client = createClient(EchoService, transport);
    await client.unary({});
    assert.equal(calls.hasSubscribers, false);
    assert.match(await html(page), /<dt>p50 of calls<\/dt><dd><strong>–<\/strong>/);
    await client.unary({ behavior: { delayMs: 20 } });
    const p50 = /<dt>p50 of calls<\/dt><dd><strong>(\d+) ms<\/strong> <small>p99 \d+ ms, of unary calls/;
    assert.ok(Number(p50.exec(await html(page))?.[1]) >= 19);
  });
  assert.equal(calls.hasSubscribers, false, "a page that was closed hears nothing");
  await backend.close();
});

test("a lost backend is in trouble on the page, with the reason", async () => {
  const backend = await startConnectEcho();
  await withPage(async ({ page, transport, resolver }) => {
    resolver.answer(backend.address);
    await transport.ready();
    await backend.close();
    await assert.rejects(createClient(EchoService, transport).unary({}));
    const text = await html(page);
    assert.match(text, /http:\/\/echo\.test: 0 of 1 backend ready/);
    assert.match(text, /ECONNREFUSED/);
    assert.equal((await ask(page, "ready")).status, 503);
  });
});

test("a hostile server's GOAWAY is text on the page", async () => {
  const text = '<img src=x onerror="alert(1)">\u202e\u0000';
  const peer = await startFramePeer({
    onRequest: (request) => request.connection.goaway(1, 0, text),
  });
  await withPage(async ({ page, transport, resolver }) => {
    const events = recordEvents(transport);
    resolver.answer(peer.address);
    await assert.rejects(createClient(EchoService, transport).unary({}, { timeoutMs: 2_000 }));
    await events.until("goaway");
    const shown = await html(page);
    assert.match(shown, /GOAWAY.*&lt;img src=x onerror=/);
    assert.doesNotMatch(shown, /<img/);
  });
  await peer.close();
});

/** A transport that says whatever one likes: what the core would have made harmless too. */
function lying(text: string): { transport: Pick<GlinkTransport, "snapshot" | "subscribe">; real: GlinkTransport } {
  const real = glinkTransport({ baseUrl: "http://echo.test" });
  const error = {
    kind: "dial",
    code: Code.Unavailable,
    progress: "unsent",
    message: text,
    cause: { name: text, message: text },
  };
  const snapshot = {
    ...real.snapshot(),
    target: text,
    resolver: text,
    loadBalancing: text,
    lastError: error,
    draining: [{ id: 7, backend: text, reason: "goaway", openCalls: 1, sinceMs: 0 }],
    connections: { ...real.snapshot().connections, disconnections: { [text]: 1 } },
    subchannels: [
      {
        id: 5,
        address: text,
        state: "transient-failure",
        stateSinceMs: 0,
        availability: text,
        connections: [],
        openCalls: 0,
        callsStarted: 3,
        callsFailed: 1,
        lastError: error,
        lastRenewalError: error,
      },
    ],
  };
  const told = [
    { type: "goaway", address: text, http2Code: 0, debug: text },
    { type: "attempt-failed", method: text, attempt: 1, address: text, error, retryDelayMs: undefined },
    { type: "resolve-failed", error, first: true },
    { type: "pool-updated", added: [text], removed: [text], leaving: [text], kept: 0 },
    { type: "hint", hint: "fallback", message: text },
    { type: text },
  ].map((fact) => ({ ...fact, target: text, at: 1_000 }) as unknown as GlinkEvent);
  return {
    real,
    transport: {
      snapshot: () => snapshot as unknown as GlinkSnapshot,
      subscribe: (listener) => {
        for (const event of told) listener(event);
        return () => undefined;
      },
    },
  };
}

test("no text of anybody's becomes a tag or an attribute, wherever it is shown", async () => {
  for (const text of hostileTexts) {
    const { transport, real } = lying(text);
    const page = adminPage([transport]);
    const shown = await html(page);
    const tags = new Set(Array.from(shown.matchAll(/<([a-z!/][^\s>]*)/gi), ([, name = ""]) => name.replace("/", "")));
    for (const tag of ["img", "iframe", "svg/onload", "style", "base", "math", "!--"])
      assert.ok(!tags.has(tag), `${tag} of ${text}`);
    assert.equal(shown.match(/<script/g)?.length, 1, text);
    assert.doesNotMatch(shown, /<[^>]*\son[a-z]+=/i, text);
    page.close();
    await real.close();
  }
});

test("every answer says that nothing may be stored, framed or loaded from elsewhere", async () => {
  await withPage(async ({ page }) => {
    for (const name of ["", "style.css", "snapshot.json", "nothing.txt", "metrics"]) {
      const { headers } = await ask(page, name);
      assert.match(
        headers.get("content-security-policy") ?? "",
        /^default-src 'none'; script-src 'self'; style-src 'self'/,
      );
      assert.equal(headers.get("x-content-type-options"), "nosniff");
      assert.equal(headers.get("cache-control"), "no-store");
      assert.equal(headers.get("referrer-policy"), "no-referrer");
      assert.equal(headers.get("access-control-allow-origin"), null);
    }
    assert.doesNotMatch(await html(page), /\sstyle=|https?:\/\/(?!echo\.test)/);
  });
});

test("a name that is not the page's own is refused in the form of fetch too", async () => {
  await withPage(async ({ page }) => {
    assert.equal((await ask(page, "", { host: "evil.test" })).status, 403);
    assert.equal((await ask(page, "snapshot.json", { "sec-fetch-site": "cross-site" })).status, 403);
  });
});

test("metrics that throw are an answer with status 500, and the page goes on", async () => {
  const metrics = () => {
    throw new Error("no metrics today");
  };
  await withPage(
    async ({ page }) => {
      assert.equal((await ask(page, "metrics")).status, 500);
      assert.equal((await ask(page)).status, 200);
    },
    { metrics },
  );
});

test("a page that was closed ends its streams, forgets, and answers 503", async () => {
  await withPage(async ({ page }) => {
    const { body } = await ask(page, "events");
    const reader = (body as ReadableStream<Uint8Array>).getReader();
    await reader.read();
    page.close();
    await assert.rejects(async () => {
      while (!(await reader.read()).done);
    }, /was closed/);
    assert.equal((await ask(page)).status, 503);
  });
});

test("a page that was let go is collected, and keeps no transport", async () => {
  const collected = new Set<string>();
  const registry = new FinalizationRegistry((name: string) => collected.add(name));
  const make = () => {
    const transport = glinkTransport({ baseUrl: "http://echo.test" });
    const page = adminPage([transport]);
    registry.register(transport, "transport");
    registry.register(page, "page");
  };
  make();
  for (let i = 0; i < 50 && collected.size < 2; i++) {
    await nextTurn();
    globalThis.gc?.();
  }
  assert.deepEqual([...collected].sort(), ["page", "transport"]);
});
