import assert from "node:assert/strict";
import { test } from "node:test";
import { Code, createContextValues } from "@connectrpc/connect";
import { type GlinkEvent, glinkCall, glinkFailureOf, type RetryInit } from "../../../src/index.ts";
import { eventLog } from "../../../src/observe/event-log.ts";
import { checkForLeaks } from "../../support/leaks.ts";
import { until } from "../../support/load.ts";
import { errorOf, failAfterHeaders, failTrailersOnly, withBench } from "./scripted-server.ts";

/*
 * A server's own status keeps its text, so what glink knows of the call is beside it.
 */

checkForLeaks();

const none = { ratio: 0, minPerSecond: 0 };
const says = { "grpc-message": "no capacity" };

test("the server's own status keeps its text, and attempts and backend are beside it", () =>
  withBench({ script: failTrailersOnly(Code.Unavailable, says) }, async ({ client, clock, fleet }) => {
    const failed = errorOf(client.unary({}));
    await until("all attempts have come", () => {
      void clock.advance(100);
      return fleet.calls.length === 3;
    });
    const error = await failed;
    assert.equal(error.rawMessage, "no capacity");
    assert.deepEqual(glinkFailureOf(error), {
      kind: "status",
      progress: "unknown",
      address: fleet.calls[2]?.backend,
      attempts: 3,
      note: undefined,
      docs: "docs/errors.md#status",
    });
    assert.deepEqual(Object.keys(error).sort(), [
      "cause",
      "code",
      "details",
      "isWireError",
      "metadata",
      "name",
      "rawMessage",
    ]);
  }));

test("an error of the caller's own has nothing beside it", () =>
  withBench({ script: failTrailersOnly(Code.Unavailable) }, async ({ client }) => {
    const reason = new Error("enough");
    const aborted = await errorOf(client.unary({}, { signal: AbortSignal.abort(reason) }));
    assert.equal(glinkFailureOf(aborted)?.kind, "canceled");
    for (const other of [reason, "enough", undefined, null]) assert.equal(glinkFailureOf(other), undefined);
  }));

const withheld: Record<
  string,
  { retry: RetryInit; fields?: Record<string, string>; note: RegExp; timeoutMs?: number }
> = {
  budget: { retry: { budget: none }, note: /^the retry budget is used up$/ },
  pushback: { retry: {}, fields: { "grpc-retry-pushback-ms": "-1" }, note: /^the server asked for no retry$/ },
  idempotency: { retry: { idempotentOnly: true }, note: /not declared idempotent$/ },
  "request-size": { retry: { bufferMaxBytes: 0 }, note: /larger than retry\.bufferMaxBytes 0$/ },
  deadline: { retry: { initialBackoffMs: 1_000 }, timeoutMs: 500, note: /^no time left for another attempt$/ },
};

for (const [reason, { retry, fields, note, timeoutMs }] of Object.entries(withheld)) {
  test(`a retry that was withheld is an event and a note beside the server's status: ${reason}`, () =>
    withBench(
      { script: failAfterHeaders(Code.Unavailable, { ...says, ...fields }), options: { retry } },
      async ({ client, transport, fleet }) => {
        const events: GlinkEvent[] = [];
        transport.subscribe((event) => event.type === "retry-withheld" && events.push(event));
        const error = await errorOf(client.unary({ text: "x" }, timeoutMs === undefined ? {} : { timeoutMs }));
        assert.equal(error.rawMessage, "no capacity");
        assert.match(glinkFailureOf(error)?.note ?? "", note);
        assert.equal(glinkFailureOf(error)?.attempts, 1);
        const { target, at, ...fact } = events[0] as GlinkEvent;
        assert.equal(typeof at, "number");
        assert.equal(target, "http://echo.test:50051");
        const method = "glink.demo.v1.EchoService/Unary";
        const address = fleet.calls[0]?.backend;
        assert.deepEqual(fact, { type: "retry-withheld", method, address, reason, first: reason === "budget" });
        assert.equal(events.length, 1);
      },
    ));
}

test("the budget that is used up is one warn line per episode", () =>
  withBench(
    { script: failTrailersOnly(Code.Unavailable), options: { retry: { budget: none } } },
    async ({ client, clock, transport }) => {
      const warnings: string[] = [];
      const silent = () => undefined;
      const warn = (_: unknown, message: string) => warnings.push(message);
      transport.subscribe(eventLog({ debug: silent, info: silent, warn, error: warn }));
      for (let i = 0; i < 5; i++) {
        await errorOf(client.unary({}));
        await clock.advance(9_000);
      }
      assert.deepEqual(warnings, [
        "the retry budget is used up: failed calls of http://echo.test:50051 are not retried",
      ]);
      await clock.advance(1_000);
      await errorOf(client.unary({}, { contextValues: createContextValues().set(glinkCall, { retry: false }) }));
      assert.equal(warnings.length, 1);
      await errorOf(client.unary({}));
      assert.equal(warnings.length, 2);
    },
  ));
