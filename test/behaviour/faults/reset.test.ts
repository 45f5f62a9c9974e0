import assert from "node:assert/strict";
import { test } from "node:test";
import type { PeerRequest } from "../../support/frame-peer.ts";
import { checkForLeaks } from "../../support/leaks.ts";
import { tryUnary, withPeer } from "./fault-call.ts";

checkForLeaks();

/** gRPC's code for each HTTP/2 error code (PROTOCOL-HTTP2.md, "Errors"). */
const codes: readonly (readonly [http2Code: number, code: string])[] = [
  [0, "Internal"],
  [1, "Internal"],
  [2, "Internal"],
  [3, "Internal"],
  [4, "Internal"],
  [5, "Internal"],
  [6, "Internal"],
  [7, "Unavailable"],
  [8, "Canceled"],
  [9, "Internal"],
  [10, "Internal"],
  [11, "ResourceExhausted"],
  [12, "PermissionDenied"],
  [13, "Internal"],
  [200, "Internal"],
];

const places: readonly { when: string; send: (request: PeerRequest) => void }[] = [
  { when: "before response headers", send: () => undefined },
  { when: "after response headers", send: (request) => request.headers() },
  {
    when: "within a message",
    send: (request) => {
      request.headers();
      request.message(Buffer.alloc(100), 50);
    },
  },
  {
    when: "after the whole message",
    send: (request) => {
      request.headers();
      request.message();
    },
  },
];

for (const { when, send } of places) {
  test(`RST_STREAM ${when}: the code of gRPC's table for every HTTP/2 code, and the connection lives`, () => {
    let expected = 0;
    return withPeer(
      {
        onRequest: (request) => {
          send(request);
          request.reset(expected);
        },
      },
      async (transport, peer) => {
        for (const [http2Code, code] of codes) {
          expected = http2Code;
          const outcome = await tryUnary(transport);
          assert.equal(outcome.code, code, `code ${http2Code}: ${outcome.message}`);
          const refused = http2Code === 7 && when === "before response headers";
          assert.deepEqual(
            outcome.attempts.map(({ progress }) => progress),
            [refused ? "refused" : "unknown"],
            `code ${http2Code}`,
          );
          assert.ok(outcome.elapsedMs < 2_000, "at once");
        }
        assert.equal(peer.connections.length, 1);
      },
    );
  });
}

test("a reset that comes with the end of the connection in one packet keeps its own code", () =>
  withPeer(
    {
      onRequest: (request) => {
        request.connection.socket.cork();
        request.reset(7);
        request.connection.socket.end();
        request.connection.socket.uncork();
      },
    },
    async (transport) => {
      const outcome = await tryUnary(transport);
      assert.equal(outcome.code, "Unavailable");
      assert.equal(outcome.attempts[0]?.progress, "refused");
    },
  ));

test("a reset after complete trailers changes nothing", () => {
  let code = 0;
  return withPeer(
    {
      onRequest: (request) => {
        request.connection.socket.cork();
        request.ok();
        request.reset(code);
        request.connection.socket.uncork();
      },
    },
    async (transport) => {
      for (code = 0; code <= 13; code++) {
        const outcome = await tryUnary(transport);
        assert.equal(outcome.code, undefined, `code ${code}: ${outcome.message}`);
      }
    },
  );
});
