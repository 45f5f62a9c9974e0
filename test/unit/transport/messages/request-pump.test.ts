import assert from "node:assert/strict";
import { test } from "node:test";
import type { ClientStreamRequestSchema } from "../../../../proto/gen/glink/demo/v1/echo_pb.js";
import type { Codec } from "../../../../src/transport/codec.ts";
import { type PumpedCall, RequestPump } from "../../../../src/transport/messages/request-pump.ts";
import { TurnQuota } from "../../../../src/transport/messages/turn-quota.ts";
import type { MethodInfo } from "../../../../src/transport/method-info.ts";
import { ManualClock, settle } from "../../../support/manual-clock.ts";

test("a peer that makes room while a message is sent gets the next one", async () => {
  const sent: string[] = [];
  // Only what a pump looks at.
  const codec = {
    encode: (_: MethodInfo, { text }: { text: string }) => Buffer.from(text),
    compress: () => undefined,
  } as unknown as Codec;
  const method = { singleRequest: false } as MethodInfo;
  const pump = new RequestPump<typeof ClientStreamRequestSchema>(
    codec,
    method,
    new TurnQuota(new ManualClock()),
    (error) => sent.push(String(error)),
  );
  const running: PumpedCall = {
    send: (message) => {
      sent.push(Buffer.from(message).toString());
      pump.writable();
      return false;
    },
    halfClose: () => sent.push("end"),
  };
  async function* messages() {
    yield { text: "first" };
    yield { text: "second" };
  }
  pump.start(messages(), running);
  await settle();
  assert.deepEqual(sent, ["first", "second", "end"]);
});

test("an iterator that answers with no object fails its call, and ends no process", async () => {
  const errors: unknown[] = [];
  const method = { singleRequest: false } as MethodInfo;
  const pump = new RequestPump<typeof ClientStreamRequestSchema>(
    {} as Codec,
    method,
    new TurnQuota(new ManualClock()),
    (error) => errors.push(error),
  );
  const running = { halfClose: () => assert.fail("it has not ended") } as unknown as PumpedCall;
  pump.start({ [Symbol.asyncIterator]: () => ({ next: async () => undefined as never }) }, running);
  await settle();
  assert.match(String(errors[0]), /TypeError/);
});
