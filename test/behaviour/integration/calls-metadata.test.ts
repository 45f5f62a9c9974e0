import assert from "node:assert/strict";
import { test } from "node:test";
import { Code, ConnectError, createClient, createContextValues } from "@connectrpc/connect";
import { EchoService } from "../../../proto/gen/glink/demo/v1/echo_pb.js";
import { glinkCall } from "../../../src/index.ts";
import { startConnectEcho } from "../../support/echo-server.ts";
import { framed } from "../../support/framed.ts";
import { checkForLeaks } from "../../support/leaks.ts";
import { glinkTransport } from "../../support/transport.ts";
import { collect, connectError, servers, startOddPeer, until, withGlink, yielding } from "./calls-harness.ts";

checkForLeaks();

for (const { name: server, start } of servers) {
  test(`a header that cannot be sent fails that call alone and is named: ${server}`, () =>
    withGlink(start, {}, async (transport) => {
      const client = createClient(EchoService, transport);
      const open = collect(client.serverStream({ count: 20, intervalMs: 10 }));
      const invalid = connectError(Code.InvalidArgument, /"x-crlf"/);
      const headers = [["x-crlf", "a\r\nevil: 1"]] as [string, string][];
      await assert.rejects(client.unary({}, { headers }), invalid);
      await assert.rejects(collect(client.serverStream({}, { headers })), invalid);
      await assert.rejects(client.clientStream(yielding({}), { headers }), invalid);
      assert.equal((await open).length, 20);
      assert.equal(transport.snapshot().openCalls, 0);
    }));

  test(`a header of 70 KiB, and a list of 100 kB, are carried: ${server}`, () =>
    withGlink(start, { retry: false }, async (transport) => {
      const client = createClient(EchoService, transport);
      const open = collect(client.serverStream({ count: 20, intervalMs: 20 }));
      await client.unary({}, { headers: { "x-large": "x".repeat(70 * 1_024) } });
      await client.unary({}, { headers: { "user-agent": "x".repeat(60_000) } });
      await client.unary({}, { headers: { "x-large-a": "x".repeat(50_000), "x-large-b": "x".repeat(50_000) } });
      assert.equal((await open).length, 20);
      assert.equal(transport.snapshot().openCalls, 0);
    }));

  test(`headers for which a server ends its connection are not sent to the next one: ${server}`, () =>
    withGlink(start, {}, async (transport) => {
      const client = createClient(EchoService, transport);
      let attempts = 0;
      const contextValues = createContextValues().set(glinkCall, { onAttempt: () => attempts++ });
      const headers = Object.fromEntries(Array.from({ length: 10 }, (_, i) => [`x-${i}`, "x".repeat(30_000)]));
      const lost = connectError(Code.Unavailable, /not retried: .* length of the request's headers/);
      await assert.rejects(client.unary({}, { headers, contextValues }), lost);
      assert.equal(attempts, 1);
      // Its only backend ended a connection that had answered nothing: it is dialled again in a moment.
      await transport.ready();
      await client.unary({});
    }));
}

test("reserved names are ignored, and the user agent is the caller's", async () => {
  const peer = await startOddPeer((stream) => {
    stream.on("wantTrailers", () => stream.sendTrailers({ "grpc-status": "0" }));
    stream.respond({ ":status": 200, "content-type": "application/grpc" }, { waitForTrailers: true });
    stream.end(framed(new Uint8Array(0)));
  });
  const transport = glinkTransport({ baseUrl: `http://${peer.address}` });
  try {
    const headers = {
      "content-type": "text/html",
      te: "gzip",
      connection: "close",
      "grpc-timeout": "1n",
      "user-agent": "mine/1",
      authorization: "Bearer x",
    };
    await createClient(EchoService, transport).unary({}, { headers });
    const [request] = peer.requests;
    assert.equal(request?.["content-type"], "application/grpc+proto");
    assert.equal(request?.te, "trailers");
    assert.equal(request?.["grpc-timeout"], undefined);
    assert.equal(request?.["user-agent"], "mine/1");
    assert.equal(request?.authorization, "Bearer x");
    assert.equal(request?.[":path"], "/glink.demo.v1.EchoService/Unary");
  } finally {
    await transport.close();
    await peer.close();
  }
});

test("a header given twice is sent, and the connection lives", () =>
  withGlink(
    () => startConnectEcho(),
    {},
    async (transport) => {
      const client = createClient(EchoService, transport);
      const headers = [
        ["authorization", "one"],
        ["authorization", "two"],
        ["x-echo-twice", "1"],
        ["x-echo-twice", "2"],
      ] as [string, string][];
      let echoed: string | null = null;
      const onHeader = (header: Headers) => {
        echoed = header.get("x-echo-twice");
      };
      await client.unary({}, { headers, onHeader, timeoutMs: 5_000 });
      assert.equal(echoed, "1, 2");
    },
  ));

test("thousands of duplicate trailers, and a long message, reach the caller or fail that call alone", async () => {
  let answers = 0;
  const peer = await startOddPeer((stream) => {
    const trailers = answers++ === 0 ? { "x-many": Array.from({ length: 300 }, (_, i) => String(i)) } : {};
    stream.on("wantTrailers", () =>
      stream.sendTrailers({ ...trailers, "grpc-status": "5", "grpc-message": "m".repeat(20_000) }),
    );
    stream.respond({ ":status": 200, "content-type": "application/grpc" }, { waitForTrailers: true });
    stream.end();
  });
  const transport = glinkTransport({ baseUrl: `http://${peer.address}`, retry: false });
  try {
    const client = createClient(EchoService, transport);
    for (let i = 0; i < 2; i++) {
      const error = await client.unary({}, { timeoutMs: 5_000 }).then(() => assert.fail(), ConnectError.from);
      assert.notEqual(error.code, Code.DeadlineExceeded);
      if (i === 1) assert.equal(error.rawMessage.length, 20_000);
    }
    await until(() => transport.snapshot().openCalls === 0, "no call is open");
  } finally {
    await transport.close();
    await peer.close();
  }
});
