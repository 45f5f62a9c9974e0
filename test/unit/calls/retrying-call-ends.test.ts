import assert from "node:assert/strict";
import { test } from "node:test";
import { Code, createClient } from "@connectrpc/connect";
import { createAsyncIterable } from "@connectrpc/connect/protocol";
import { EchoService } from "../../../proto/gen/glink/demo/v1/echo_pb.js";
import { parseAddress } from "../../../src/endpoint/address.ts";
import { type Backend, type Failure, pickFromReady, type Resolver } from "../../../src/index.ts";
import { checkForLeaks } from "../../support/leaks.ts";
import { until } from "../../support/load.ts";
import { glinkTransport } from "../../support/transport.ts";
import {
  answer,
  errorOf,
  failTrailersOnly,
  inTurn,
  type Script,
  startFleet,
  staySilent,
  watched,
  withBench,
} from "./scripted-server.ts";

checkForLeaks();

for (const kind of ["unary", "client stream"] as const) {
  test(`a ${kind} that is aborted by whoever hears of its first attempt, before it has begun to wait, makes no second`, () => {
    let refuses = true;
    const failure: Failure = { kind: "no-backend", code: Code.Unavailable, progress: "unsent", message: "not yet" };
    const hesitant = pickFromReady("hesitant", ([first]) => ({ pick: () => (refuses ? failure : (first as Backend)) }));
    const options = { loadBalancing: hesitant };
    return withBench(
      { script: answer("a ghost"), backends: 1, options },
      async ({ client, clock, fleet, transport }) => {
        const controller = new AbortController();
        const { signal } = controller;
        const { contextValues } = watched({ onAttempt: () => controller.abort(new Error("enough")) });
        const call =
          kind === "unary"
            ? client.unary({}, { contextValues, signal })
            : client.clientStream(createAsyncIterable([{}]), { contextValues, signal });
        assert.match((await errorOf(call)).message, /enough/);
        refuses = false;
        await clock.advance(10_000);
        await client.unary({});
        assert.equal(fleet.calls.length, 1, "the one that proves that nothing is on its way");
        assert.equal(transport.snapshot().subchannels[0]?.openCalls, 0);
      },
    );
  });
}

test("an abort while a retry waits names the backend that failed last", () =>
  withBench({ script: failTrailersOnly(Code.Unavailable) }, async ({ client, fleet }) => {
    const { reports, contextValues } = watched();
    const controller = new AbortController();
    const failed = errorOf(client.unary({}, { contextValues, signal: controller.signal }));
    await until("the first attempt has failed", () => reports.length === 1);
    controller.abort(new Error("enough"));
    const { message } = await failed;
    assert.ok(message.includes(`enough (backend ${fleet.calls[0]?.backend}`), message);
  }));

test("the last error that a deadline names is the one before it, not the reset that came in the same moment", () => {
  let late: Parameters<Script>[0] | undefined;
  const fullUp = failTrailersOnly(Code.Unavailable, { "grpc-message": "full up" });
  return withBench(
    {
      script: inTurn(fullUp, (received) => {
        late = received;
      }),
    },
    async ({ client, clock }) => {
      const { reports, contextValues } = watched();
      const failed = errorOf(client.unary({}, { contextValues, timeoutMs: 1_000 }));
      await until("the first attempt has failed", () => reports.length === 1);
      await clock.advance(100);
      await until("the second attempt is there", () => late !== undefined);
      clock.stall(900);
      late?.stream.close(8);
      const error = await failed;
      assert.equal(error.code, Code.DeadlineExceeded);
      assert.match(error.message, /last error: Unavailable from .*full up/);
    },
  );
});

test("after a stall in which the deadline and perAttemptTimeoutMs both passed, the call ends with its deadline", () =>
  withBench(
    { script: staySilent, options: { retry: { perAttemptTimeoutMs: 200 } } },
    async ({ client, clock, fleet }) => {
      const failed = errorOf(client.unary({}, { timeoutMs: 500 }));
      await until("the request is there", () => fleet.calls.length === 1);
      clock.stall(600);
      await clock.advance(0);
      assert.match((await failed).message, /the operation timed out/);
    },
  ));

test("a missed deadline counts as a failed call of its backend, and the caller's abort does not", () =>
  withBench({ backends: 1, script: staySilent }, async ({ client, clock, fleet, transport }) => {
    const failedCalls = () => transport.snapshot().subchannels[0]?.callsFailed;
    const late = errorOf(client.unary({}, { timeoutMs: 100 }));
    await until("the first request is there", () => fleet.calls.length === 1);
    await clock.advance(100);
    await late;
    assert.equal(failedCalls(), 1);
    const controller = new AbortController();
    const aborted = errorOf(client.unary({}, { signal: controller.signal }));
    await until("the second request is there", () => fleet.calls.length === 2);
    controller.abort();
    await aborted;
    assert.equal(failedCalls(), 1);
  }));

test("an attempt cut by perAttemptTimeoutMs has its backend asked whether it lives", () =>
  withBench(
    { script: inTurn(staySilent, answer("fast")), options: { retry: { perAttemptTimeoutMs: 200 } } },
    async ({ client, clock, fleet, transport }) => {
      const suspects: string[] = [];
      transport.subscribe((event) => {
        if (event.type === "subchannel-suspect") suspects.push(`${event.address}: ${event.reason}`);
      });
      const call = client.unary({});
      await until("the first attempt is there", () => fleet.calls.length === 1);
      await clock.advance(200);
      assert.deepEqual(suspects, [`${fleet.calls[0]?.backend}: deadline`]);
      await clock.advance(100);
      assert.equal((await call).text, "fast");
    },
  ));

for (const [code, refreshes] of [
  [Code.Unavailable, 1],
  [Code.NotFound, 0],
] as const) {
  test(`an answer of ${Code[code]} ${refreshes === 0 ? "is no reason to ask" : "asks"} the resolver again`, async () => {
    const fleet = await startFleet(1, failTrailersOnly(code));
    let asked = 0;
    const resolver: Resolver = {
      name: "counting",
      watch: (_, listener) => {
        queueMicrotask(() => listener.onAddresses(fleet.addresses.map((address) => parseAddress(address))));
        return { refresh: () => void asked++, close: () => undefined };
      },
    };
    const transport = glinkTransport({ baseUrl: "http://echo.test", retry: { maxAttempts: 1 }, resolver });
    try {
      assert.equal((await errorOf(createClient(EchoService, transport).unary({}))).code, code);
      assert.equal(asked, refreshes);
    } finally {
      await transport.close();
      await fleet.close();
    }
  });
}

test("the status of a client stream counts, though its headers name an encoding that we do not know", () => {
  const script = failTrailersOnly(Code.NotFound, { "grpc-encoding": "zstd", "grpc-message": "no such row" });
  return withBench({ script }, async ({ client }) => {
    const error = await errorOf(client.clientStream(createAsyncIterable([{}])));
    assert.deepEqual([error.code, error.rawMessage], [Code.NotFound, "no such row"]);
  });
});
