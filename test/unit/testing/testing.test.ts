import assert from "node:assert/strict";
import { test } from "node:test";
import { createClient } from "@connectrpc/connect";
import { EchoService } from "../../../proto/gen/glink/demo/v1/echo_pb.js";
import { expectQuiet, manualResolver, recordEvents } from "../../../src/testing/index.ts";
import { startConnectEcho } from "../../support/echo-server.ts";
import { checkForLeaks } from "../../support/leaks.ts";
import { glinkTransport } from "../../support/transport.ts";

checkForLeaks();

async function withServers(use: (first: string, second: string) => Promise<void>): Promise<void> {
  const servers = [await startConnectEcho(), await startConnectEcho()] as const;
  try {
    await use(servers[0].address, servers[1].address);
  } finally {
    for (const server of servers) await server.close();
  }
}

test("a transport follows the answers that a test gives by hand", () =>
  withServers(async (first, second) => {
    const resolver = manualResolver();
    assert.equal(resolver.watches, 0);
    await using transport = glinkTransport({ baseUrl: "http://echo.test", resolver });
    const recording = recordEvents(transport);
    const ready = transport.ready();
    assert.equal(resolver.watches, 1);
    resolver.answer(first);
    await ready;
    resolver.answer(second);
    const { added, leaving } = await recording.until("pool-updated", (event) => event.added.includes(second));
    assert.deepEqual([added, leaving], [[second], [first]]);
    await recording.until("pool-updated", (event) => event.removed.includes(first));
    const { served } = await createClient(EchoService, transport).unary({});
    assert.notEqual(served, undefined);
    await transport.close();
    assert.equal(resolver.watches, 0);
  }));

test("a lookup that fails by hand fails as any other, and who watches later hears the last answer", () =>
  withServers(async (first) => {
    const resolver = manualResolver();
    resolver.fail(new Error("no such name"));
    await using transport = glinkTransport({ baseUrl: "http://echo.test", resolver, retry: false });
    const recording = recordEvents(transport);
    await assert.rejects(createClient(EchoService, transport).unary({}), /no such name/);
    assert.match((await recording.until("resolve-failed")).error.message, /no such name/);
    assert.ok(resolver.refreshes >= 0);
    resolver.answer(first);
    await transport.ready();
    assert.equal((await createClient(EchoService, transport).unary({ text: "found" })).text, "found");
    assert.throws(() => resolver.answer("no:port:at:all"), /no:port:at:all/);
    assert.throws(() => resolver.answer(), /an empty one/);
  }));

test("a recording has the events in their order, until it is stopped", () =>
  withServers(async (first) => {
    await using transport = glinkTransport({ baseUrl: "http://echo.test", resolver: manualResolver(first) });
    const recording = recordEvents(transport);
    await transport.ready();
    assert.deepEqual(
      recording.ofType("subchannel-state").map(({ from, to }) => `${from} ${to}`),
      ["idle connecting", "connecting ready"],
    );
    const { length } = recording.events;
    recording.stop();
    await transport.close();
    assert.equal(recording.events.length, length);
  }));

test("a transport that was closed is quiet, and what work returns is returned", () =>
  withServers(async (first) => {
    const text = await expectQuiet(async () => {
      await using transport = glinkTransport({ baseUrl: `http://${first}` });
      return (await createClient(EchoService, transport).unary({ text: "hello" })).text;
    });
    assert.equal(text, "hello");
  }));

test("a transport that was not closed is not quiet: what it left is listed with its place", () =>
  withServers(async (first) => {
    const transport = glinkTransport({ baseUrl: `http://${first}` });
    const noisy = expectQuiet(async () => {
      await createClient(EchoService, transport).unary({});
    });
    await assert.rejects(noisy, /^Error: glink left \d+ open: .*TCPWRAP made at .*open-socket/);
    await transport.close();
  }));

test("a transport that is collected while it is looked for what is open was not closed either", () =>
  withServers(async (first) => {
    const noisy = expectQuiet(async () => {
      await createClient(EchoService, glinkTransport({ baseUrl: `http://${first}` })).unary({});
    });
    const collecting = setInterval(() => globalThis.gc?.(), 20);
    try {
      await assert.rejects(noisy, /was not closed when the work had ended: await its close|was a transport not closed/);
    } finally {
      clearInterval(collecting);
    }
  }));

test("what others open while work runs is not glink's", async () => {
  const timer = await expectQuiet(() => setTimeout(() => undefined, 60_000));
  clearTimeout(timer);
});

test("an error of the work itself is what is heard", () =>
  assert.rejects(
    expectQuiet(() => Promise.reject(new Error("of the work"))),
    /of the work/,
  ));
