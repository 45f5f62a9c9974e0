// Peers that are slow, silent, or particular about PINGs. What takes minutes by default is shorter here by pingIntervalMs;
// test/unit/http2/keepalive.test.ts turns the clock for the rest.
import assert from "node:assert/strict";
import { test } from "node:test";
import { createClient } from "@connectrpc/connect";
import { EchoService } from "../../../proto/gen/glink/demo/v1/echo_pb.js";
import { startFaultyNetwork } from "../../support/faulty-network.ts";
import { frameType, type PeerConnection, setting, startFramePeer } from "../../support/frame-peer.ts";
import { checkForLeaks } from "../../support/leaks.ts";
import { type Outcome, transportTo, tryUnary, until, withPeer } from "./fault-call.ts";

checkForLeaks();

test("a connection that died silently is found though callers bound their calls by a signal, and none is open for long", async () => {
  const peer = await startFramePeer({ onRequest: (request) => request.ok() });
  const network = await startFaultyNetwork(peer.address);
  const transport = transportTo([network.address], { pingIntervalMs: 500, pingTimeoutMs: 500, retry: false });
  const reasons: string[] = [];
  transport.subscribe((event) => {
    if (event.type === "subchannel-state" && event.from === "ready") reasons.push(event.error?.message ?? "");
  });
  try {
    assert.equal((await tryUnary(transport)).code, undefined);
    network.freeze();
    const client = createClient(EchoService, transport);
    const giveUpMs = performance.now() + 20_000;
    while (reasons.length === 0 && performance.now() < giveUpMs) {
      const signal = AbortSignal.timeout(30);
      await client.unary({}, { signal }).catch(() => undefined);
      await new Promise((resolve) => setTimeout(resolve, 40));
    }
    assert.match(reasons[0] ?? "", /PING got no answer/);
    assert.equal((await tryUnary(transport)).code, undefined);
  } finally {
    await transport.close({ timeoutMs: 0 });
    await network.close();
    await peer.close();
  }
});

test("calls that miss their deadlines beside a quiet stream draw no more early PINGs than a server forgives", () =>
  withPeer(
    {
      // The server ends late calls by RST_STREAM, as grpc-go does soon after their deadline: that is no response.
      onRequest: (request, index) => {
        if (index === 0) request.headers();
        else setTimeout(() => request.reset(8), 60);
      },
    },
    async (transport, peer) => {
      const abort = new AbortController();
      const stream = createClient(EchoService, transport).serverStream({}, { signal: abort.signal });
      const quiet = (async () => {
        for await (const _ of stream);
      })().catch(() => undefined);
      await until(() => peer.requests.length === 1, "the stream is open");
      const endMs = performance.now() + 4_500;
      while (performance.now() < endMs) await tryUnary(transport, { timeoutMs: 50 });
      const pings = peer.connections.reduce((sum, connection) => sum + connection.pings, 0);
      // One, and after a second or more the next may come only 10 s later. By received bytes there were four.
      assert.ok(pings >= 1 && pings <= 2, `${pings} PINGs`);
      assert.equal(peer.connections.length, 1);
      abort.abort();
      await quiet;
    },
  ));

/** Reads `bytesPerSecond`, by the clock and whatever this machine is up to, and nothing more after `stopAfterBytes`. */
function readSlowly({ socket }: PeerConnection, bytesPerSecond: number, stopAfterBytes: number): void {
  const startMs = performance.now();
  let readBytes = 0;
  let resume: NodeJS.Timeout | undefined;
  socket.once("close", () => clearTimeout(resume));
  socket.on("data", ({ length }: Buffer) => {
    readBytes += length;
    const aheadMs = (readBytes * 1_000) / bytesPerSecond - (performance.now() - startMs);
    if (aheadMs <= 0) return;
    socket.pause();
    if (readBytes < stopAfterBytes) resume = setTimeout(() => socket.resume(), aheadMs);
  });
}

/** An upload of 12 MB to a peer that reads 2 MB a second, and answers with no byte before it has read everything. */
async function uploadSlowly(stopAfterBytes: number): Promise<Outcome> {
  let outcome: Outcome | undefined;
  await withPeer(
    {
      settings: [setting.initialWindowSize, 2 ** 30],
      onConnection: (connection) => {
        connection.frame(frameType.windowUpdate, 0, 0, Buffer.from([0x3f, 0, 0, 0]));
        readSlowly(connection, 2_000_000, stopAfterBytes);
      },
      onRequest: (request) => request.ok(),
    },
    async (transport, peer) => {
      outcome = await tryUnary(transport, { payloadBytes: 12_000_000, timeoutMs: 60_000 });
      if (outcome.code === undefined) return;
      const socket = peer.connections[0]?.socket;
      socket?.removeAllListeners("data").resume();
      await until(() => socket?.destroyed === true, "the dead connection is closed");
    },
    { pingIntervalMs: 300, pingTimeoutMs: 1_500 },
  );
  return outcome as Outcome;
}

test("a long upload that its peer reads all the time, and slowly, is not cut for its silence", async () => {
  const { code, message } = await uploadSlowly(Number.POSITIVE_INFINITY);
  assert.equal(code, undefined, message);
});

test("a peer that stops reading in the middle of an upload is found out", async () => {
  const { code, message } = await uploadSlowly(3_000_000);
  assert.equal(code, "Unavailable");
  assert.match(message, /PING got no answer/);
});
