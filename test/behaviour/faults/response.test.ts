import assert from "node:assert/strict";
import { test } from "node:test";
import { Code, ConnectError, createClient } from "@connectrpc/connect";
import { EchoService } from "../../../proto/gen/glink/demo/v1/echo_pb.js";
import { startConnectEcho } from "../../support/echo-server.ts";
import { startFaultyNetwork } from "../../support/faulty-network.ts";
import { frameType, grpcHeaders, headerBlock } from "../../support/frame-peer.ts";
import { checkForLeaks } from "../../support/leaks.ts";
import { transportTo, tryUnary, until, withPeer } from "./fault-call.ts";

checkForLeaks();

test("a response without trailers: Internal", () =>
  withPeer(
    {
      onRequest: (request) => {
        request.headers();
        request.data(Buffer.alloc(5), true);
      },
    },
    async (transport) => {
      const outcome = await tryUnary(transport);
      assert.equal(outcome.code, "Internal");
      assert.match(outcome.message, /missing status/);
    },
  ));

test("a trailers-only response carries the status", () =>
  withPeer(
    { onRequest: (request) => request.trailers([...grpcHeaders, "grpc-status", "5", "grpc-message", "no%20such"]) },
    async (transport) => {
      const outcome = await tryUnary(transport);
      assert.equal(outcome.code, "NotFound");
      assert.equal(outcome.message, "no such");
    },
  ));

test("interim responses are ignored", () =>
  withPeer(
    {
      onRequest: (request) => {
        request.headers([":status", "100"]);
        request.headers([":status", "103", "link", "</x>"]);
        request.ok();
      },
    },
    async (transport) => assert.equal((await tryUnary(transport)).code, undefined),
  ));

test("a message of 4 GB is refused with ResourceExhausted as soon as its prefix is read", () =>
  withPeer(
    {
      onRequest: (request) => {
        request.headers();
        request.data(Buffer.from([0, 0xff, 0xff, 0xff, 0xff]));
      },
    },
    async (transport, peer) => {
      const outcome = await tryUnary(transport);
      assert.equal(outcome.code, "ResourceExhausted");
      assert.match(outcome.message, /4294967295 is larger than configured readMaxBytes 1024/);
      await until(() => peer.requests[0]?.resetCode === 8, "the stream was reset with CANCEL");
    },
    { readMaxBytes: 1_024 },
  ));

test("a frame of headers above maxHeaderListBytes fails its call with ResourceExhausted, and the connection lives", () =>
  withPeer(
    {
      onRequest: (request, index) => {
        if (index === 1) request.headers([...grpcHeaders, "x-large", "x".repeat(3_000)]);
        else if (index === 2) {
          request.headers();
          request.message();
          request.trailers(["grpc-status", "0", "x-large", "x".repeat(3_000)]);
        } else request.ok();
      },
    },
    async (transport, peer) => {
      for (const code of [undefined, "ResourceExhausted", "ResourceExhausted", undefined]) {
        const outcome = await tryUnary(transport);
        assert.equal(outcome.code, code, outcome.message);
        if (code !== undefined) assert.match(outcome.message, /maxHeaderListBytes 2048/);
      }
      assert.equal(peer.connections.length, 1);
    },
    { maxHeaderListBytes: 2_048 },
  ));

test("500 small header fields fit into the default maxHeaderListBytes", () =>
  withPeer(
    {
      onRequest: (request) => {
        request.headers([...grpcHeaders, ...Array.from({ length: 1_000 }, (_, i) => (i % 2 === 0 ? `x-${i}` : "v"))]);
        request.message();
        request.trailers();
      },
    },
    async (transport) => assert.equal((await tryUnary(transport)).code, undefined),
  ));

test("request headers beyond the peer's limit fail that call alone", () =>
  withPeer({ settings: [6, 8_192], onRequest: (request) => request.ok() }, async (transport, peer) => {
    const client = createClient(EchoService, transport);
    await client.unary({});
    const error = await client.unary({}, { headers: { "x-large": "x".repeat(20_000) } }).catch(ConnectError.from);
    assert.ok(error instanceof ConnectError);
    assert.equal(error.code, Code.ResourceExhausted);
    assert.match(error.message, /the request headers have 20\d{3} bytes, and the server accepts 8192/);
    await client.unary({});
    assert.equal(peer.connections.length, 1);
  }));

test("request headers of any length reach a peer that sets no limit, and one that sets a larger one", async () => {
  for (const settings of [[], [6, 10_000_000]]) {
    await withPeer({ settings, onRequest: (request) => request.ok() }, async (transport, peer) => {
      const client = createClient(EchoService, transport);
      for (const length of [64_000, 70 * 1_024, 1_000_000]) {
        await client.unary({}, { headers: { "x-large": "x".repeat(length) } });
      }
      await client.unary({});
      assert.equal(peer.connections.length, 1);
    });
  }
});

test("OK while most of the request is unread: the call succeeds, and the rest of the request is reset", () =>
  // The peer never opens its window: of 1 MB, 64 KB can be sent.
  withPeer({ onHeaders: (request) => request.ok() }, async (transport, peer) => {
    for (let i = 0; i < 3; i++) {
      assert.equal((await tryUnary(transport, { payloadBytes: 1_000_000 })).code, undefined);
      await until(() => peer.requests[i]?.resetCode === 8, "the stream was reset with CANCEL");
    }
    await until(() => transport.snapshot().subchannels[0]?.openCalls === 0, "no stream is left");
    assert.equal(peer.connections.length, 1);
  }));

test("a peer that ends a bidi stream while the request is open ends the call, with and without trailers", () =>
  withPeer(
    {
      onHeaders: (request, index) => {
        request.headers();
        if (index === 0) request.trailers();
        else request.data(Buffer.alloc(5), true);
      },
    },
    async (transport, peer) => {
      const client = createClient(EchoService, transport);
      let asked = 0;
      async function* endless() {
        for (;;) {
          asked++;
          yield { text: "x" };
          await new Promise((resolve) => setTimeout(resolve, 10));
        }
      }
      for await (const _ of client.bidi(endless())) assert.fail("there is no message");
      const messages: unknown[] = [];
      await assert.rejects(
        async () => {
          for await (const message of client.bidi(endless())) messages.push(message);
        },
        (error) => error instanceof ConnectError && error.code === Code.Internal,
      );
      assert.equal(messages.length, 1);
      // Node 24 ends the request side in good order where Node 20 resets it: either way the peer waits for nothing.
      const isOver = ({ resetCode, isComplete }: (typeof peer.requests)[number]) => resetCode === 8 || isComplete;
      await until(() => peer.requests.every(isOver), "both requests are over for the peer");
      assert.ok(asked < 50, "the request iterables were told to stop");
    },
  ));

test("a response that is complete before its reader wakes up is read to its end, though the connection is gone", () =>
  withPeer(
    {
      onRequest: (request) => {
        request.headers();
        for (let i = 0; i < 200; i++) request.message(Buffer.from([0x1a, 0x80, 0x08, ...Buffer.alloc(1_024)]));
        request.trailers();
        request.connection.goaway(request.id);
        request.connection.socket.end();
      },
    },
    async (transport) => {
      let received = 0;
      for await (const { payload } of createClient(EchoService, transport).serverStream({})) {
        // Long enough for everything to arrive, and for reading to pause.
        if (received++ < 3) await new Promise((resolve) => setTimeout(resolve, 100));
        assert.equal(payload.length, 1_024);
      }
      assert.equal(received, 200);
    },
  ));

test("150 calls at once on one connection when the peer sets no limit", () =>
  withPeer(
    {
      onRequest: ({ connection }) => {
        if (connection.open.size < 150) return;
        for (const request of peerRequests()) request.ok();
      },
    },
    async (transport, peer) => {
      peerRequests = () => peer.requests;
      await transport.ready();
      const outcomes = await Promise.all(Array.from({ length: 150 }, () => tryUnary(transport)));
      assert.ok(outcomes.every(({ code }) => code === undefined));
      assert.equal(peer.connections.length, 1);
    },
  ));

let peerRequests: () => readonly { ok(): void }[] = () => [];

test("a head split over CONTINUATION frames, padding, unknown frames and empty DATA are read as HTTP/2 says", () =>
  withPeer(
    {
      onRequest: (request) => {
        const { connection, id } = request;
        const block = headerBlock(grpcHeaders);
        connection.frame(0x77, 0xff, id, Buffer.from("unknown"));
        connection.frame(frameType.headers, 0, id, block.subarray(0, 7));
        connection.frame(0x9, 0, id, block.subarray(7, 8));
        connection.frame(0x9, 0x4, id, block.subarray(8));
        request.data(Buffer.alloc(0));
        connection.frame(frameType.data, 0x8, id, Buffer.concat([Buffer.from([9]), Buffer.alloc(5), Buffer.alloc(9)]));
        request.data(Buffer.alloc(0));
        request.trailers();
      },
    },
    async (transport) => assert.equal((await tryUnary(transport)).code, undefined),
  ));

test("calls through a network that passes single bytes have the same results", async () => {
  const backend = await startConnectEcho();
  const network = await startFaultyNetwork(backend.address, { sliceBytes: 1 });
  const transport = transportTo([network.address]);
  try {
    const client = createClient(EchoService, transport);
    assert.equal((await client.unary({ text: "sliced", payload: new Uint8Array(500) })).payload.length, 500);
    let received = 0;
    for await (const { index } of client.serverStream({ count: 10, messageBytes: 50 })) assert.equal(index, received++);
    assert.equal(received, 10);
  } finally {
    await transport.close();
    await network.close();
    await backend.close();
  }
});

test("a frozen network: the deadline ends the call, the connection is replaced, and the next call succeeds", async () => {
  const backend = await startConnectEcho();
  const network = await startFaultyNetwork(backend.address);
  const transport = transportTo([network.address], { pingTimeoutMs: 100 });
  try {
    assert.equal((await tryUnary(transport)).code, undefined);
    network.freeze();
    assert.equal((await tryUnary(transport, { timeoutMs: 100 })).code, "DeadlineExceeded");
    await until(
      () => transport.snapshot().subchannels[0]?.state === "ready" && network.connections() === 2,
      "replaced",
    );
    assert.equal((await tryUnary(transport)).code, undefined);
  } finally {
    await transport.close();
    await network.close();
    await backend.close();
  }
});
