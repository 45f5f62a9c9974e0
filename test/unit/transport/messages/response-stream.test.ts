import assert from "node:assert/strict";
import { test } from "node:test";
import { Code } from "@connectrpc/connect";
import { checkForLeaks } from "../../../support/leaks.ts";
import { until } from "../../../support/load.ts";
import { type Bench, begin, errorOf, framedText, type Script, withBench } from "../../calls/scripted-server.ts";

checkForLeaks();

/** One DATA frame: when the first message can be read, the others wait unread. */
const threeMessages = Buffer.concat([framedText("first"), framedText("second"), framedText("third")]);

const answerWithAll: Script = ({ stream }) => {
  stream.respond({ ":status": 200, "content-type": "application/grpc+proto" }, { waitForTrailers: true });
  stream.on("wantTrailers", () => stream.sendTrailers({ "grpc-status": "0" }));
  stream.end(threeMessages);
};

const endings: readonly (readonly [string, Code, (bench: Bench, controller: AbortController) => unknown])[] = [
  ["the deadline", Code.DeadlineExceeded, ({ clock }) => clock.advance(1_000)],
  ["the caller's abort", Code.Canceled, (_, controller) => controller.abort()],
  [
    "the close of the transport",
    Code.Canceled,
    async ({ clock, transport }) => {
      const closed = transport.close({ timeoutMs: 0 });
      await clock.advance(1);
      await closed;
    },
  ],
];

for (const [what, code, end] of endings) {
  test(`messages that wait unread at ${what} are not delivered any more`, () =>
    withBench({ script: begin(threeMessages) }, async (bench) => {
      const controller = new AbortController();
      const responses = bench.client.serverStream({}, { signal: controller.signal, timeoutMs: 1_000 });
      const reader = responses[Symbol.asyncIterator]();
      assert.equal((await reader.next()).value?.text, "first");
      await end(bench, controller);
      assert.equal((await errorOf(reader.next())).code, code);
    }));
}

test("an abort ends the reading of a response that had arrived in full", () =>
  withBench({ script: answerWithAll }, async ({ client, transport }) => {
    const controller = new AbortController();
    const reader = client.serverStream({}, { signal: controller.signal })[Symbol.asyncIterator]();
    assert.equal((await reader.next()).value?.text, "first");
    await until("the status has come", () => transport.snapshot().openCalls === 0);
    controller.abort();
    assert.equal((await errorOf(reader.next())).code, Code.Canceled);
  }));
