// Peers that are polite HTTP/2 and hostile in what they answer, M16 to M25 of the reliability catalogue, against both
// engines.
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { Code, ConnectError, createClient, createContextValues } from "@connectrpc/connect";
import { EchoService } from "../../../proto/gen/glink/demo/v1/echo_pb.js";
import { type GlinkTransportOptions, glinkCall } from "../../../src/index.ts";
import { startConnectEcho } from "../../support/echo-server.ts";
import { engineNames } from "../../support/engines.ts";
import { type PeerRequest, startFramePeer } from "../../support/frame-peer.ts";
import { checkForLeaks } from "../../support/leaks.ts";
import { windowUpdateFrame } from "../../unit/http2/wire/raw-peer.ts";
import { transportTo, tryUnary, until, withPeer } from "../faults/fault-call.ts";
import {
  answerCompressed,
  answerInTrailers,
  brotliBomb,
  EndlessStream,
  gzipBomb,
  megabyte,
  trickleBody,
  trickleHeaders,
  windowBytes,
} from "./hostile-answers.ts";

checkForLeaks();

for (const http2 of engineNames) {
  const isWire = http2 === "wire";
  const engine = { http2 } satisfies Partial<GlinkTransportOptions>;

  describe(`a hostile answer, to the ${http2} engine`, () => {
    for (const [encoding, bomb] of [
      ["gzip", gzipBomb],
      ["br", brotliBomb],
    ] as const) {
      it(`of ${encoding} that unpacks to hundreds of megabytes fails its call at readMaxBytes, and takes no memory (M16)`, (t) => {
        const payload = bomb();
        return withPeer(
          { onRequest: (request) => answerCompressed(request, encoding, payload) },
          async (transport) => {
            const before = process.memoryUsage.rss();
            const outcome = await tryUnary(transport);
            const grownBytes = process.memoryUsage.rss() - before;
            t.diagnostic(`${payload.length} bytes; the resident set grew by ${(grownBytes / megabyte).toFixed(1)} MB`);
            assert.equal(outcome.code, "ResourceExhausted", outcome.message);
            assert.ok(grownBytes < 100 * megabyte, `${grownBytes} bytes`);
          },
          { ...engine, readMaxBytes: 4 * megabyte },
        );
      });
    }

    it("of br that unpacks to 256 MB fails its call with default options, and takes a quarter of that (M16)", (t) => {
      const payload = brotliBomb();
      return withPeer(
        { onRequest: (request) => answerCompressed(request, "br", payload) },
        async (transport) => {
          const before = process.memoryUsage.rss();
          const outcome = await tryUnary(transport);
          const grownBytes = process.memoryUsage.rss() - before;
          t.diagnostic(`${payload.length} bytes; the resident set grew by ${(grownBytes / megabyte).toFixed(1)} MB`);
          assert.equal(outcome.code, "ResourceExhausted", outcome.message);
          assert.match(outcome.message, /inflates to more than 67108864: set readMaxBytes/);
          assert.ok(grownBytes < 160 * megabyte, `${grownBytes} bytes`);
        },
        engine,
      );
    });

    it("that announces a message of 4 GB fails its call at the prefix (M17)", () =>
      withPeer(
        {
          onRequest: (request) => {
            request.headers();
            request.data(Buffer.from([0, 0xff, 0xff, 0xff, 0xff]));
          },
        },
        async (transport, peer) => {
          assert.equal((await tryUnary(transport)).code, "ResourceExhausted");
          await until(() => peer.requests[0]?.resetCode !== undefined, "the peer saw the reset");
        },
        { ...engine, readMaxBytes: 4 * megabyte },
      ));

    it("that never ends stops after two windows when its caller does not read, and goes on when he does (M18)", (t) => {
      let endless: EndlessStream | undefined;
      return withPeer(
        {
          onRequest: (request) => {
            endless = new EndlessStream(request, 10_000);
          },
        },
        async (transport) => {
          const messages = createClient(EchoService, transport).serverStream({})[Symbol.asyncIterator]();
          await messages.next();
          const sent = () => endless?.sentBytes ?? 0;
          await until(() => sent() > 30_000, "the peer has sent something");
          // Until nothing more comes for a while.
          for (let before = -1; before !== sent(); await sleep(100)) before = sent();
          const stoppedAt = sent();
          t.diagnostic(`it stopped after ${stoppedAt} bytes`);
          assert.ok(stoppedAt <= 2 * windowBytes, `${stoppedAt} bytes`);
          for (let i = 0; i < 500; i++) await messages.next();
          await until(() => sent() > stoppedAt, "the peer goes on");
        },
        // One that grows is as large as it takes: how large depends on how fast the first bytes came.
        { ...engine, nodeOptions: { settings: { initialWindowSize: windowBytes } } },
      );
    });

    it("that comes a byte at a time ends with its deadline, and nobody else waits for it (M19)", () =>
      trickling(trickleBody, engine));

    it("whose header comes a byte at a time ends with its deadline, and nobody else waits for it (M20)", () =>
      trickling(trickleHeaders, engine));

    it("with names that objects have anyway is read like any other (M22)", () =>
      withPeer(
        {
          onRequest: (request) => {
            request.headers([
              ":status",
              "200",
              "content-type",
              "application/grpc",
              "__proto__",
              "a",
              "constructor",
              "b",
            ]);
            request.message();
            request.trailers(["grpc-status", "0", "__proto__", "c", "hasownproperty", "d"]);
          },
        },
        async (transport) => {
          const response = await transport.unary(EchoService.method.unary, undefined, 5_000, undefined, {});
          assert.deepEqual([response.header.get("__proto__"), response.header.get("constructor")], ["a", "b"]);
          assert.deepEqual([response.trailer.get("__proto__"), response.trailer.get("hasownproperty")], ["c", "d"]);
          assert.equal(Object.getPrototypeOf({}), Object.prototype);
        },
        engine,
      ));

    for (const [what, fields] of [
      ["a line break in a value", ["x-a", "1\r\nset-cookie: b"]],
      ["a NUL in a value", ["x-a", "a\0b"]],
      ["a line break in a name", ["x-a\r\nx-b", "1"]],
    ] as const) {
      it(`with ${what} shows it to nobody, and the next call is answered (M23)`, () =>
        onceThenOk(
          (request) => {
            request.headers([":status", "200", "content-type", "application/grpc", ...fields]);
            request.message();
            request.trailers();
          },
          ["Internal", "Unavailable", undefined],
          engine,
        ));
    }

    // node:http2 leaves such a session half dead and tells nobody: test/behaviour/faults/connection-loss.test.ts has how that ends.
    if (isWire) {
      it("with a message of 1 MB in its trailers fails, and the next call is answered (M24)", () =>
        onceThenOk(
          (request) => answerInTrailers(request, ["grpc-message", "m".repeat(megabyte)]),
          ["ResourceExhausted"],
          engine,
        ));
    }

    it("with 10 000 trailers of one name fails, and the next call is answered (M24)", () =>
      onceThenOk(
        (request) => answerInTrailers(request, Array.from({ length: 10_000 }, () => ["a", "b"]).flat()),
        ["ResourceExhausted", "Internal", "Unavailable"],
        engine,
      ));

    it("that makes us reset every stream fails each call alone, and keeps nothing of it (M25)", () =>
      withPeer(
        { onRequest: (request) => request.connection.write(windowUpdateFrame(request.id, 0)) },
        async (transport, peer) => {
          for (let round = 0; round < 10; round++) {
            const outcomes = await Promise.all(Array.from({ length: 50 }, () => tryUnary(transport)));
            // To nghttp2 an increment of 0 is a connection error.
            assert.deepEqual([...new Set(outcomes.map(({ code }) => code))], [isWire ? "Internal" : "Unavailable"]);
          }
          assert.equal(transport.snapshot().openCalls, 0);
          if (!isWire) return;
          await until(() => peer.requests.every(({ resetCode }) => resetCode !== undefined), "every stream is reset");
          assert.equal(peer.connections.length, 1);
        },
        engine,
      ));
  });
}

/** Calls go to a peer that trickles its first answer, and says nothing else, and to a good one. */
async function trickling(
  trickle: (request: PeerRequest) => void,
  engine: Partial<GlinkTransportOptions>,
): Promise<void> {
  // Time enough for the good backend, whatever else the machine does.
  const timeoutMs = 800;
  const slow = await startFramePeer({
    onRequest: (request, index) => index === 0 && trickle(request),
    // The first deadline draws a PING, and its answer would land in the middle of a frame.
    answersPings: false,
  });
  const good = await startConnectEcho();
  const transport = transportTo([slow.address, good.address], engine);
  try {
    await transport.ready();
    await until(
      () => transport.snapshot().subchannels.filter(({ state }) => state === "ready").length === 2,
      "both are ready",
    );
    const outcomes = await Promise.all(Array.from({ length: 10 }, () => tryUnary(transport, { timeoutMs })));
    for (const { code, attempts, elapsedMs, message } of outcomes) {
      const expected = attempts[0]?.address === good.address ? undefined : "DeadlineExceeded";
      assert.equal(code, expected, message);
      assert.ok(elapsedMs < timeoutMs + 2_000, `${elapsedMs} ms`);
    }
    assert.equal(outcomes.filter(({ code }) => code === undefined).length, 5);
    assert.equal(transport.snapshot().openCalls, 0);
  } finally {
    await transport.close({ timeoutMs: 0 });
    await slow.close();
    await good.close();
  }
}

/** The first answer is hostile. Its call ends in one of these ways, and a later one is answered. */
function onceThenOk(
  answer: (request: PeerRequest) => void,
  codes: readonly (string | undefined)[],
  engine: Partial<GlinkTransportOptions>,
): Promise<void> {
  return withPeer(
    { onRequest: (request, index) => (index === 0 ? answer(request) : request.ok()) },
    async (transport) => {
      const seen: string[] = [];
      const first = await transport.unary(EchoService.method.unary, undefined, 1_500, undefined, {}, unretried()).then(
        ({ header }) => {
          header.forEach((value, name) => {
            seen.push(name, value);
          });
          return undefined;
        },
        (error: unknown) => Code[ConnectError.from(error).code],
      );
      assert.ok(codes.includes(first), `${first}`);
      assert.ok(!["\r", "\n", "\0"].some((bad) => seen.join().includes(bad)), JSON.stringify(seen));
      for (let tries = 0; (await tryUnary(transport)).code !== undefined; tries++) {
        assert.ok(tries < 100, "no call is answered any more");
        await sleep(50);
      }
      assert.equal(transport.snapshot().openCalls, 0);
    },
    engine,
  );
}

/** One attempt. */
function unretried() {
  return createContextValues().set(glinkCall, { retry: false });
}
