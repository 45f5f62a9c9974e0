import assert from "node:assert/strict";
import { Code, createClient, type Transport } from "@connectrpc/connect";
import { EchoService } from "../../../proto/gen/glink/demo/v1/echo_pb.js";
import {
  failsWith,
  hastyMs,
  type LoadCalls,
  largeBytes,
  patientMs,
  ReceivedMetadata,
  slowMs,
  streamMessageBytes,
  streamMessages,
  turns,
} from "./mix.ts";

/** The load's calls, to the echo service: it counts them by their id. `signal`: one for most of them. */
export function echoCalls(transport: Transport, signal?: AbortSignal): LoadCalls {
  const patient = { timeoutMs: patientMs, ...(signal === undefined ? {} : { signal }) };
  const client = createClient(EchoService, transport);
  const largePayload = new Uint8Array(largeBytes).fill(7);
  return {
    async unary(requestId) {
      const { text } = await client.unary({ text: requestId, behavior: { requestId } }, patient);
      assert.equal(text, requestId);
    },

    async large(requestId) {
      const { payload } = await client.unary({ payload: largePayload, behavior: { requestId } }, patient);
      assert.equal(Buffer.compare(payload, largePayload), 0);
    },

    async serverStream(requestId) {
      const request = { count: streamMessages, messageBytes: streamMessageBytes, behavior: { requestId } };
      let received = 0;
      for await (const { index, payload } of client.serverStream(request, patient)) {
        assert.equal(index, received++);
        assert.equal(payload.length, streamMessageBytes);
      }
      assert.equal(received, streamMessages);
    },

    async bidi(requestId) {
      let received = 0;
      async function* requests() {
        for (let turn = 0; turn < turns; turn++) {
          yield { text: `${requestId}, ${turn}`, ...(turn === 0 ? { behavior: { requestId } } : {}) };
        }
      }
      for await (const { text } of client.bidi(requests(), patient)) {
        assert.equal(text, `${requestId}, ${received++}`);
      }
      assert.equal(received, turns);
    },

    async metadata(requestId) {
      const received = new ReceivedMetadata();
      const options = received.options({ "x-echo-id": requestId, "x-trailer-colour-bin": "q6ur" });
      await client.unary({ behavior: { requestId } }, options);
      received.check(["x-echo-id", requestId], ["x-trailer-colour-bin", "q6ur"]);
    },

    status(requestId, failCode) {
      const behavior = { requestId, failCode, failMessage: `50 % of ${requestId} ☺` };
      return failsWith(failCode, client.unary({ behavior }, patient), behavior.failMessage);
    },

    deadline(requestId) {
      const behavior = { requestId, delayMs: slowMs };
      return failsWith(Code.DeadlineExceeded, client.unary({ behavior }, { timeoutMs: hastyMs }));
    },
  };
}
