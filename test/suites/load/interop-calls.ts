import assert from "node:assert/strict";
import { Code } from "@connectrpc/connect";
import type { TestClient } from "../interop/messages.ts";
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

const patient = { timeoutMs: patientMs };

/** The load's calls, to the service of gRPC's interop tests. */
export function interopCalls(client: TestClient): LoadCalls {
  const large = { responseSize: largeBytes, payload: { body: new Uint8Array(largeBytes) } };
  const responseParameters = Array.from({ length: streamMessages }, () => ({ size: streamMessageBytes }));
  return {
    async unary() {
      const { payload } = await client.unaryCall({ responseSize: 10, payload: { body: new Uint8Array(10) } }, patient);
      assert.equal(payload?.body.length, 10);
    },

    async large() {
      const { payload } = await client.unaryCall(large, patient);
      assert.equal(payload?.body.length, largeBytes);
    },

    async serverStream() {
      let received = 0;
      for await (const { payload } of client.streamingOutputCall({ responseParameters }, patient)) {
        assert.equal(payload?.body.length, streamMessageBytes);
        received++;
      }
      assert.equal(received, streamMessages);
    },

    async bidi() {
      let received = 0;
      async function* requests() {
        for (let turn = 0; turn < turns; turn++) yield { responseParameters: [{ size: 10 + turn }] };
      }
      for await (const { payload } of client.fullDuplexCall(requests(), patient)) {
        assert.equal(payload?.body.length, 10 + received++);
      }
      assert.equal(received, turns);
    },

    async metadata(id) {
      const received = new ReceivedMetadata();
      const options = received.options({
        "x-grpc-test-echo-initial": id,
        "x-grpc-test-echo-trailing-bin": "q6ur",
      });
      await client.unaryCall({ responseSize: 1, payload: { body: new Uint8Array(1) } }, options);
      received.check(["x-grpc-test-echo-initial", id], ["x-grpc-test-echo-trailing-bin", "q6ur"]);
    },

    status(id, code) {
      const responseStatus = { code, message: `50 % of ${id} ☺` };
      return failsWith(code, client.unaryCall({ responseStatus }, patient), responseStatus.message);
    },

    async deadline() {
      const slow = { responseParameters: [{ size: 1, intervalUs: slowMs * 1_000 }] };
      const responses = client.streamingOutputCall(slow, { timeoutMs: hastyMs });
      await failsWith(Code.DeadlineExceeded, responses[Symbol.asyncIterator]().next());
    },
  };
}
