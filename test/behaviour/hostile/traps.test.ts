// Peers that take every connection and leave it at once, M21 and M26 of the reliability catalogue, against both engines.
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { engineNames } from "../../support/engines.ts";
import type { PeerConnection } from "../../support/frame-peer.ts";
import { checkForLeaks } from "../../support/leaks.ts";
import { tryUnary, withPeer } from "../faults/fault-call.ts";

checkForLeaks();

const traps: readonly (readonly [id: "M21" | "M26", what: string, trap: (connection: PeerConnection) => void])[] = [
  ["M21", "then closes", (connection) => connection.socket.end()],
  ["M26", "then says GOAWAY", (connection) => connection.goaway(0)],
];

const reconnectBackoff = { initialBackoffMs: 100, multiplier: 2, maxBackoffMs: 10_000, jitter: 0.2 };
/**
 * The least time between the first and the fourth dial: waits of 100, 200 and 400 ms, each less 20 %, and what the peer's
 * clock may miss. After a GOAWAY in good order the first wait is not there: while a call is open on the connection that
 * ends, it may still be answered, and then nothing speaks against the server.
 */
const fourDialsMs = { M21: 0.8 * (100 + 200 + 400) - 50, M26: 0.8 * (100 + 200) - 50 };

for (const http2 of engineNames) {
  describe(`a peer, to the ${http2} engine`, () => {
    for (const [id, what, trap] of traps) {
      it(`that completes the handshake and ${what}, for ever, is dialled no more often than the backoff allows (${id})`, async (t) => {
        const acceptedMs: number[] = [];
        const onConnection = (connection: PeerConnection) => {
          acceptedMs.push(performance.now());
          trap(connection);
        };
        await withPeer(
          { onConnection },
          async (transport) => {
            for (const startMs = performance.now(); acceptedMs.length < 4; await sleep(10)) {
              assert.ok(performance.now() - startMs < 20_000, "it is dialled again");
              // A server that takes back each call in good order is asked again until the deadline.
              const { code } = await tryUnary(transport, { timeoutMs: 1_000 });
              assert.ok(code === "Unavailable" || (code === "DeadlineExceeded" && id === "M26"), code);
            }
            const tookMs = (acceptedMs[3] as number) - (acceptedMs[0] as number);
            t.diagnostic(`four dials in ${tookMs.toFixed(0)} ms`);
            assert.ok(tookMs > fourDialsMs[id], `four dials in ${tookMs} ms`);
          },
          { http2, reconnectBackoff },
        );
      });
    }
  });
}
