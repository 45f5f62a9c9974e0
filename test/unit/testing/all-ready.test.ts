import assert from "node:assert/strict";
import { test } from "node:test";
import { createClient } from "@connectrpc/connect";
import { EchoService } from "../../../proto/gen/glink/demo/v1/echo_pb.js";
import { glinkTransport, staticResolver } from "../../../src/index.ts";
import { allReady, startBackends } from "../../../src/testing/index.ts";
import { checkForLeaks } from "../../support/leaks.ts";

checkForLeaks();

/** `backoffMs`: how long a backend that refused is let alone. */
async function scene({ backoffMs }: { backoffMs: number }) {
  const backends = await startBackends(2, (router) => router.service(EchoService, { unary: () => ({}) }));
  const transport = glinkTransport({
    baseUrl: "http://echo.test",
    resolver: staticResolver(backends.addresses),
    reconnectBackoff: { initialBackoffMs: backoffMs, maxBackoffMs: backoffMs },
  });
  const close = async () => {
    await transport.close();
    await backends.close();
  };
  return { backends, transport, client: createClient(EchoService, transport), close };
}

test("a transport is connected to every backend without a call, and again to one that came back", async () => {
  const { backends, transport, client, close } = await scene({ backoffMs: 5 });
  await allReady(transport, backends);
  const [first, second] = backends;
  assert.deepEqual([first.connections, second.connections], [1, 1]);
  await first.kill();
  await client.unary({});
  assert.equal(second.calls, 1);
  await first.restart();
  // Nobody calls: the transport would rest.
  await allReady(transport, backends);
  await Promise.all([client.unary({}), client.unary({})]);
  assert.equal(first.calls, 1);
  await close();
});

test("what stands in the way is said of each backend that is not ready", async () => {
  const { backends, transport, close } = await scene({ backoffMs: 10_000 });
  const [first] = backends;
  await first.kill();
  const stranger = { address: "127.0.0.9:1" };
  await assert.rejects(allReady(transport, [...backends, stranger], { timeoutMs: 200 }), ({ message }: Error) => {
    assert.match(message, /^not ready: 127\.0\.0\.1:\d+ \([a-z-]+: cannot connect: .*ECONNREFUSED/);
    assert.match(message, /127\.0\.0\.9:1 \(no backend of the transport\) within 200 ms$/);
    return true;
  });
  await close();
});

test("a closed transport, and what is none, are an error and not a wait", async () => {
  const { backends, transport, close } = await scene({ backoffMs: 5 });
  await assert.rejects(allReady({} as typeof transport, backends), TypeError);
  await assert.rejects(allReady(transport, {} as typeof backends), TypeError);
  await close();
  await assert.rejects(allReady(transport, backends, { timeoutMs: 60_000 }), /the transport was closed/);
});
