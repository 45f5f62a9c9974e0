// Large messages go out after their prefix and not in one piece with it: they arrive as they are, in every kind of call.
import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { test } from "node:test";
import { createClient } from "@connectrpc/connect";
import { EchoService } from "../../../proto/gen/glink/demo/v1/echo_pb.js";
import { startConnectEcho } from "../../support/echo-server.ts";
import { checkForLeaks } from "../../support/leaks.ts";
import { withGlink } from "./calls-harness.ts";

checkForLeaks();

/** About what is copied, what fits in a window, and what does not. */
const payloads = [16_370, 16_390, 65_530, 200_000, 1_500_000].map((bytes) => Uint8Array.from(randomBytes(bytes)));

for (const protocol of ["grpc", "grpc-web", "connect"] as const) {
  test(`large messages arrive whole and in order, by ${protocol}`, () =>
    withGlink(
      () => startConnectEcho(),
      { protocol },
      async (transport) => {
        const client = createClient(EchoService, transport);
        const answers = await Promise.all(payloads.map((payload) => client.unary({ payload })));
        assert.deepEqual(
          answers.map(({ payload }) => payload),
          payloads,
        );
        async function* requests() {
          for (const payload of payloads) yield { payload };
        }
        const echoed: Uint8Array[] = [];
        for await (const { payload } of client.bidi(requests())) echoed.push(payload);
        assert.deepEqual(echoed, payloads);
        const { count, payloadBytes } = await client.clientStream(requests());
        assert.deepEqual(
          [count, Number(payloadBytes)],
          [payloads.length, payloads.reduce((sum, { length }) => sum + length, 0)],
        );
        const { calls } = transport.snapshot();
        assert.equal(calls.messagesSent, 3 * payloads.length);
      },
    ));
}

test("every attempt of a hedged call sends a large message whole", () =>
  withGlink(
    () => startConnectEcho(),
    { hedging: { delayMs: 0, maxAttempts: 2 } },
    async (transport) => {
      const client = createClient(EchoService, transport);
      const text = "large".repeat(40_000);
      for (let i = 0; i < 3; i++) assert.equal((await client.unaryIdempotent({ text })).text, text);
      assert.ok(transport.snapshot().calls.hedges > 0);
    },
  ));
