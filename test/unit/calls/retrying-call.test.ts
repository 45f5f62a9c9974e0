import assert from "node:assert/strict";
import { test } from "node:test";
import { Code, createContextValues } from "@connectrpc/connect";
import { type Failure, type GlinkCallOptions, glinkCall, pickFirst, pickFromReady } from "../../../src/index.ts";
import { checkForLeaks } from "../../support/leaks.ts";
import { until } from "../../support/load.ts";
import { settle } from "../../support/manual-clock.ts";
import {
  answer,
  begin,
  bodyOf,
  errorOf,
  failAfterHeaders,
  failAfterMessage,
  failTrailersOnly,
  framedText,
  inTurn,
  loseConnection,
  refuse,
  type Script,
  staySilent,
  watched,
  withBench,
} from "./scripted-server.ts";

checkForLeaks();

const unavailable = failTrailersOnly(Code.Unavailable);

test("waits follow the curve, and nothing is waited for after the last attempt", () =>
  withBench({ script: unavailable }, async ({ client, clock, fleet }) => {
    const { reports, contextValues } = watched();
    const failed = errorOf(client.unary({}, { contextValues }));
    for (const [waits, delayMs] of [100, 200].entries()) {
      await until("the attempt has failed", () => reports.length === waits + 1);
      assert.equal(reports[waits]?.retryDelayMs, delayMs);
      await clock.advance(delayMs - 1);
      assert.equal(fleet.calls.length, waits + 1);
      await clock.advance(1);
    }
    assert.equal((await failed).code, Code.Unavailable);
    assert.deepEqual(
      reports.map(({ attempt, retryDelayMs }) => [attempt, retryDelayMs]),
      [
        [1, 100],
        [2, 200],
        [3, undefined],
      ],
    );
    assert.equal(fleet.calls.length, 3);
  }));

test("a pushback is waited for exactly, and the curve begins again after it", () =>
  withBench(
    {
      script: inTurn(unavailable, failAfterHeaders(Code.Unavailable, { "grpc-retry-pushback-ms": "300" }), unavailable),
      options: { retry: { maxAttempts: 4 } },
    },
    async ({ client, clock }) => {
      const { reports, contextValues } = watched();
      const failed = errorOf(client.unary({}, { contextValues }));
      for (const [waits, delayMs] of [100, 300, 100].entries()) {
        await until("the attempt has failed", () => reports.length === waits + 1);
        assert.equal(reports[waits]?.retryDelayMs, delayMs);
        await clock.advance(delayMs);
      }
      await failed;
    },
  ));

for (const pushback of ["-1", "soon", "1.5", "2147483648", "99999999999"]) {
  test(`a pushback of ${pushback} stops the retries`, () =>
    withBench(
      { script: failTrailersOnly(Code.Unavailable, { "grpc-retry-pushback-ms": pushback }) },
      async ({ client, fleet }) => {
        assert.equal((await errorOf(client.unary({}))).code, Code.Unavailable);
        assert.equal(fleet.calls.length, 1);
      },
    ));
}

test("grpc-timeout is what is left, rounded up, and grpc-previous-rpc-attempts counts", () =>
  withBench({ script: inTurn(unavailable, unavailable, answer("late")) }, async ({ client, clock, fleet }) => {
    const { reports, contextValues } = watched();
    const call = client.unary({}, { contextValues, timeoutMs: 5_000 });
    await until("the first attempt has failed", () => reports.length === 1);
    await clock.advance(100.25);
    await until("the second attempt has failed", () => reports.length === 2);
    await clock.advance(200);
    assert.equal((await call).text, "late");
    const sent = fleet.calls.map(({ headers }) => [headers["grpc-timeout"], headers["grpc-previous-rpc-attempts"]]);
    assert.deepEqual(sent, [
      ["5000m", undefined],
      ["4900m", "1"],
      ["4700m", "2"],
    ]);
  }));

test("a retry prefers a backend that the call has not tried", () =>
  withBench({ backends: 3, script: unavailable }, async ({ client, clock, fleet }) => {
    for (let call = 1; call <= 5; call++) {
      const { reports, contextValues } = watched();
      const failed = errorOf(client.unary({}, { contextValues }));
      for (const attempt of [1, 2]) {
        await until("the attempt has failed", () => reports.length === attempt);
        await clock.advance(1_000);
      }
      await failed;
      assert.equal(new Set(reports.map(({ address }) => address)).size, 3);
      assert.equal(fleet.calls.length, 3 * call);
    }
  }));

test("a retry after a lost connection goes to another ready backend without a wait", () =>
  withBench({ script: inTurn(loseConnection, answer("elsewhere")) }, async ({ client, fleet }) => {
    assert.equal((await client.unary({})).text, "elsewhere");
    assert.notEqual(fleet.calls[0]?.backend, fleet.calls[1]?.backend);
  }));

test("a wait that cannot fit before the deadline is not begun: the last error surfaces and says so", () =>
  withBench({ backends: 1, script: loseConnection }, async ({ client, fleet }) => {
    const error = await errorOf(client.unary({}, { timeoutMs: 90 }));
    assert.equal(error.code, Code.Unavailable);
    assert.match(error.message, /connection was lost.*backend 127\.0\.0\.1:\d+.*no time left for another attempt/);
    assert.equal(fleet.calls.length, 1);
  }));

test("the deadline's error names the backend, the attempts and the last error", () =>
  withBench(
    { script: inTurn(failTrailersOnly(Code.Unavailable, { "grpc-message": "full up" }), staySilent) },
    async ({ client, clock, fleet }) => {
      const { reports, contextValues } = watched();
      const failed = errorOf(client.unary({}, { contextValues, timeoutMs: 1_000 }));
      await until("the first attempt has failed", () => reports.length === 1);
      await clock.advance(100);
      await until("the second attempt is there", () => fleet.calls.length === 2);
      await clock.advance(900);
      const error = await failed;
      assert.equal(error.code, Code.DeadlineExceeded);
      const [first, second] = fleet.calls.map(({ backend }) => backend);
      assert.ok(error.message.includes(`backend ${second}, 2 attempts`), error.message);
      assert.ok(error.message.includes(`last error: Unavailable from ${first}: full up`), error.message);
      assert.deepEqual(
        reports.map(({ code }) => code),
        [Code.Unavailable, Code.DeadlineExceeded],
      );
    },
  ));

test("a failure that comes when the deadline has passed is the deadline's", () => {
  let call: Parameters<Script>[0] | undefined;
  return withBench(
    {
      script: (received) => {
        call = received;
      },
    },
    async ({ client, clock, fleet }) => {
      const failed = errorOf(client.unary({}, { timeoutMs: 1_000 }));
      await until("the request is there", () => call !== undefined);
      clock.stall(1_000);
      call?.stream.close(8);
      const error = await failed;
      assert.equal(error.code, Code.DeadlineExceeded);
      assert.match(error.message, /last error: Canceled from 127\.0\.0\.1:\d+: the server reset the stream/);
      assert.equal(fleet.calls.length, 1);
    },
  );
});

test("DeadlineExceeded sent by a server is retried while there is time left", () =>
  withBench(
    { script: inTurn(failTrailersOnly(Code.DeadlineExceeded), answer("in time")) },
    async ({ client, clock }) => {
      const { reports, contextValues } = watched();
      const call = client.unary({}, { contextValues, timeoutMs: 5_000 });
      await until("the first attempt has failed", () => reports.length === 1);
      await clock.advance(100);
      assert.equal((await call).text, "in time");
    },
  ));

test("an abort while a retry waits ends the call at once, and its timer with it", () =>
  withBench({ script: unavailable }, async ({ client, clock, fleet }) => {
    const { reports, contextValues } = watched();
    const controller = new AbortController();
    // With that of the retry budget, which runs while calls come.
    const timers = clock.pending + 1;
    const failed = errorOf(client.unary({}, { contextValues, signal: controller.signal }));
    await until("the first attempt has failed", () => reports.length === 1);
    assert.equal(clock.pending, timers + 1);
    controller.abort(new Error("enough"));
    const error = await failed;
    assert.equal(error.code, Code.Canceled);
    assert.match(error.message, /enough.*last error: Unavailable/);
    assert.equal(clock.pending, timers);
    await clock.advance(5_000);
    assert.equal(fleet.calls.length, 1);
  }));

test("close lets a call finish that waits to be retried", () =>
  withBench({ script: inTurn(unavailable, answer("last words")) }, async ({ client, clock, transport }) => {
    const { reports, contextValues } = watched();
    const call = client.unary({}, { contextValues });
    await until("the first attempt has failed", () => reports.length === 1);
    const closed = transport.close({ timeoutMs: 1_000 });
    await clock.advance(100);
    assert.equal((await call).text, "last words");
    await closed;
  }));

test("an abort during an attempt is never retried, even if Canceled is a listed code", () =>
  withBench(
    { script: staySilent, options: { retry: { codes: [Code.Canceled] } } },
    async ({ client, clock, fleet }) => {
      const controller = new AbortController();
      const failed = errorOf(client.unary({}, { signal: controller.signal }));
      await until("the request is there", () => fleet.calls.length === 1);
      controller.abort();
      assert.equal((await failed).code, Code.Canceled);
      await until("the server saw the reset", () => fleet.calls[0]?.stream.closed === true);
      assert.equal(fleet.calls[0]?.stream.rstCode, 8);
      await clock.advance(5_000);
      assert.equal(fleet.calls.length, 1);
    },
  ));

test("an abort from within onAttempt ends the call: no further attempt", () =>
  withBench({ script: unavailable }, async ({ client, clock, fleet }) => {
    const controller = new AbortController();
    const contextValues = createContextValues().set(glinkCall, { onAttempt: () => controller.abort() });
    const error = await errorOf(client.unary({}, { contextValues, signal: controller.signal }));
    assert.equal(error.code, Code.Canceled);
    await clock.advance(5_000);
    assert.equal(fleet.calls.length, 1);
  }));

test("an attempt that takes too long is reset and made elsewhere", () =>
  withBench(
    { script: inTurn(staySilent, answer("fast")), options: { retry: { perAttemptTimeoutMs: 200 } } },
    async ({ client, clock, fleet, transport }) => {
      const { reports, contextValues } = watched();
      const call = client.unary({}, { contextValues, timeoutMs: 1_000 });
      await until("the request is there", () => fleet.calls.length === 1);
      await clock.advance(199);
      assert.equal(reports.length, 0);
      await clock.advance(1);
      assert.equal(reports[0]?.code, Code.DeadlineExceeded);
      assert.match(reports[0]?.message ?? "", /perAttemptTimeoutMs 200/);
      await clock.advance(100);
      assert.equal((await call).text, "fast");
      assert.notEqual(fleet.calls[0]?.backend, fleet.calls[1]?.backend);
      const failed = Object.fromEntries(transport.snapshot().subchannels.map((one) => [one.address, one.callsFailed]));
      assert.deepEqual(failed, { [fleet.calls[0]!.backend]: 1, [fleet.calls[1]!.backend]: 0 });
      assert.equal(fleet.calls[0]?.stream.rstCode, 8);
      assert.equal(fleet.calls[1]?.headers["grpc-timeout"], "700m");
    },
  ));

test("a failure of the picker's own is retried like any other, and not at once and for ever", () => {
  const shed: Failure = { kind: "connection-lost", code: Code.Unavailable, progress: "unsent", message: "shed" };
  const loadBalancing = pickFromReady("shedding", () => ({ pick: () => shed }));
  return withBench({ script: unavailable, options: { loadBalancing } }, async ({ client, clock, fleet }) => {
    const { reports, contextValues } = watched();
    const failed = errorOf(client.unary({}, { contextValues }));
    await clock.advance(1_000);
    assert.match((await failed).message, /shed \(3 attempts\)/);
    assert.deepEqual(
      reports.map(({ retryDelayMs }) => retryDelayMs),
      [100, 200, undefined],
    );
    assert.equal(fleet.calls.length, 0);
  });
});

test("an attempt whose answer has begun is not cut by perAttemptTimeoutMs", () => {
  const framed = framedText("slow but sure");
  return withBench(
    { script: begin(framed.subarray(0, 7)), options: { retry: { perAttemptTimeoutMs: 200 } } },
    async ({ client, clock, fleet }) => {
      const call = client.unary({});
      await until("the request is there", () => fleet.calls.length === 1);
      const { stream } = fleet.calls[0] as Parameters<Script>[0];
      // A PING round trip: what was sent before it has arrived.
      await new Promise((resolve) => stream.session?.ping(resolve));
      await settle();
      await clock.advance(1_000);
      stream.end(framed.subarray(7));
      // No trailers: the message is whole, so the call fails for that alone.
      assert.match((await errorOf(call)).message, /status/);
      assert.equal(fleet.calls.length, 1);
    },
  );
});

test("time spent waiting for a connection is not the attempt's", () =>
  withBench(
    { backends: 1, script: inTurn(loseConnection, answer("back")), options: { retry: { perAttemptTimeoutMs: 100 } } },
    async ({ client, clock, transport }) => {
      await errorOf(client.unary({}, { contextValues: watched({ retry: false }).contextValues }));
      const { reports, contextValues } = watched({ waitForReady: true });
      const call = client.unary({}, { contextValues });
      await settle();
      await until("the backend is back", () => {
        // The reconnection waits for 250 ms. One step more may still be under way when the attempt has begun.
        void clock.advance(20);
        return transport.snapshot().queuedCalls === 0;
      });
      assert.equal((await call).text, "back");
      assert.deepEqual(
        reports.map(({ code }) => code),
        [undefined],
      );
    },
  ));

test("a refused request is sent again at once and free; refused again, it waits and counts", () =>
  withBench({ script: inTurn(refuse, refuse, answer("third")) }, async ({ client, clock, fleet }) => {
    const { reports, contextValues } = watched();
    const call = client.unary({}, { contextValues });
    await until("it was refused twice", () => reports.length === 2);
    assert.deepEqual(
      reports.map(({ attempt, progress, retryDelayMs }) => [attempt, progress, retryDelayMs]),
      [
        [1, "refused", 0],
        [1, "refused", 100],
      ],
    );
    await clock.advance(100);
    assert.equal((await call).text, "third");
    const sent = fleet.calls.map(({ headers }) => headers["grpc-previous-rpc-attempts"]);
    assert.deepEqual(sent, [undefined, undefined, "1"]);
  }));

test("a refused request is sent again even with maxAttempts 1, and never with retry: false", () =>
  withBench({ script: (call) => (call.number % 2 === 0 ? refuse : answer("ok"))(call) }, async ({ client, fleet }) => {
    const once = (retry: NonNullable<GlinkCallOptions["retry"]>) => ({
      contextValues: watched({ retry }).contextValues,
    });
    assert.equal((await client.unary({}, once({ maxAttempts: 1 }))).text, "ok");
    assert.equal(fleet.calls.length, 2);
    assert.equal((await errorOf(client.unary({}, once(false)))).code, Code.Unavailable);
    assert.equal(fleet.calls.length, 3);
  }));

test("a unary call whose server dies between its message and its status is tried again", () =>
  withBench(
    { script: inTurn(begin(framedText("never complete")), failTrailersOnly(Code.NotFound)) },
    async ({ client, fleet }) => {
      const { reports, contextValues } = watched();
      const failed = errorOf(client.unary({}, { contextValues }));
      await until("the first attempt is there", () => fleet.calls.length === 1);
      const { session, cut } = fleet.calls[0] as Parameters<Script>[0];
      await new Promise((resolve) => session.ping(resolve));
      cut();
      // The other backend is ready: there is no wait.
      assert.equal((await failed).code, Code.NotFound);
      assert.deepEqual(
        reports.map(({ code }) => code),
        [Code.Unavailable, Code.NotFound],
      );
    },
  ));

test("the message of an attempt that died without a status is never taken for that of the next one", () =>
  withBench({ script: inTurn(begin(framedText("never complete")), answer("second")) }, async ({ client, fleet }) => {
    const call = client.unary({});
    await until("the first attempt is there", () => fleet.calls.length === 1);
    const { session, cut } = fleet.calls[0] as Parameters<Script>[0];
    await new Promise((resolve) => session.ping(resolve));
    cut();
    assert.equal((await call).text, "second");
  }));

test("an attempt whose message is whole and whose status never comes is cut by perAttemptTimeoutMs", () =>
  withBench(
    {
      script: inTurn(begin(framedText("frozen")), failTrailersOnly(Code.NotFound)),
      options: { retry: { perAttemptTimeoutMs: 200 } },
    },
    async ({ client, clock, fleet }) => {
      const { reports, contextValues } = watched();
      const failed = errorOf(client.unary({}, { contextValues }));
      await until("the first attempt is there", () => fleet.calls.length === 1);
      const { session } = fleet.calls[0] as Parameters<Script>[0];
      await new Promise((resolve) => session.ping(resolve));
      await settle();
      await clock.advance(200);
      await until("the first attempt was cut", () => reports.length === 1);
      await clock.advance(100);
      assert.equal((await failed).code, Code.NotFound);
    },
  ));

test("a status that follows the message is the answer, whatever it says", () =>
  withBench(
    { script: inTurn(failAfterHeaders(Code.Unavailable), failAfterMessage(Code.Unavailable)) },
    async ({ client, clock, fleet }) => {
      const { reports, contextValues } = watched();
      const failed = errorOf(client.unary({}, { contextValues }));
      await until("the first attempt has failed", () => reports.length === 1);
      await clock.advance(100);
      assert.equal((await failed).code, Code.Unavailable);
      assert.equal(fleet.calls.length, 2);
    },
  ));

test("a server stream is retried before its headers, and never after: no message comes twice", () =>
  withBench({ script: inTurn(unavailable, begin(framedText("only once"))) }, async ({ client, clock, fleet }) => {
    const { reports, contextValues } = watched();
    const received: string[] = [];
    const failed = errorOf(
      (async () => {
        for await (const { text } of client.serverStream({}, { contextValues })) received.push(text);
      })(),
    );
    await until("the first attempt has failed", () => reports.length === 1);
    await clock.advance(100);
    await until("a message came", () => received.length === 1);
    fleet.calls[1]?.cut();
    assert.equal((await failed).code, Code.Unavailable);
    assert.deepEqual(received, ["only once"]);
    assert.equal(fleet.calls.length, 2);
  }));

test("a retry sends the request as it was when the call began", () =>
  withBench({ script: () => undefined }, async ({ client, clock, fleet }) => {
    const { reports, contextValues } = watched();
    const payload = Buffer.from("original payload");
    const headers = new Headers({ "x-of": "the caller" });
    const failed = errorOf(client.unary({ text: "original", payload }, { contextValues, headers }));
    await until("the request is there", () => fleet.calls.length === 1);
    payload.fill(0);
    headers.set("x-of", "somebody else");
    unavailable(fleet.calls[0] as Parameters<Script>[0]);
    await until("the first attempt has failed", () => reports.length === 1);
    await clock.advance(100);
    await until("the second attempt is there", () => fleet.calls.length === 2);
    const second = fleet.calls[1] as Parameters<Script>[0];
    assert.match((await bodyOf(second)).toString("latin1"), /original.*original payload/s);
    assert.equal(second.headers["x-of"], "the caller");
    failTrailersOnly(Code.NotFound)(second);
    await failed;
  }));

test("a request larger than bufferMaxBytes is sent once, and the error says so", () =>
  withBench({ script: loseConnection, options: { retry: { bufferMaxBytes: 1_000 } } }, async ({ client, fleet }) => {
    const error = await errorOf(client.unary({ payload: new Uint8Array(2_000) }));
    assert.equal(error.code, Code.Unavailable);
    assert.match(error.message, /larger than retry.bufferMaxBytes 1000/);
    assert.equal(fleet.calls.length, 1);
  }));

test("a call's own retry options are checked, and those that all calls share are refused", () =>
  withBench({ script: staySilent }, async ({ client, fleet }) => {
    const wrong = [
      { maxAttempts: 0 },
      { budget: false },
      { bufferTotalMaxBytes: 1 },
      5,
      { perAttemptTimeoutMs: -1 },
    ] as unknown[];
    for (const retry of wrong) {
      const { contextValues } = watched({ retry: retry as { maxAttempts: number } });
      assert.match((await errorOf(client.unary({}, { contextValues }))).message, /retry/);
    }
    assert.equal(fleet.calls.length, 0);
  }));

test("a call's own fields are laid over those of the transport", () =>
  withBench({ script: unavailable, options: { retry: { initialBackoffMs: 70 } } }, async ({ client, clock, fleet }) => {
    const { reports, contextValues } = watched({ retry: { maxAttempts: 2 } });
    const failed = errorOf(client.unary({}, { contextValues }));
    await until("the first attempt has failed", () => reports.length === 1);
    assert.equal(reports[0]?.retryDelayMs, 70);
    await clock.advance(70);
    await failed;
    assert.equal(fleet.calls.length, 2);
  }));

test("calls that ask for retries of a transport without have the default budget", () =>
  withBench({ script: unavailable, options: { retry: false } }, async ({ client, clock, fleet }) => {
    const calls: Promise<unknown>[] = [];
    for (let i = 0; i < 200; i++) {
      const { contextValues } = watched({ retry: { initialBackoffMs: 1 } });
      calls.push(errorOf(client.unary({}, { contextValues })));
    }
    const all = Promise.all(calls).then(() => true);
    let done = false;
    void all.then(() => {
      done = true;
    });
    await until("all calls have ended", () => {
      void clock.advance(10);
      return done;
    });
    assert.ok(fleet.calls.length <= 200 * 1.1 + 100, `${fleet.calls.length} attempts`);
    assert.ok(fleet.calls.length > 200);
  }));

test("a lost connection with 200 calls open fails none of them, and leaves the budget to others", () =>
  withBench(
    {
      script: ({ number, ...call }) => {
        // Round robin: every other of the first 400 calls is on the backend that goes down with them.
        if (number >= 400) answer("kept")({ number, ...call });
        else if (number === 399) call.cut();
      },
    },
    async ({ client, fleet, transport }) => {
      const lost: string[] = [];
      transport.subscribe((event) => {
        if (event.type === "attempt-failed") lost.push(event.error.kind);
      });
      const calls = Array.from({ length: 400 }, () => client.unary({}).then(({ text }) => text));
      void Promise.allSettled(calls);
      await until("the calls of the lost connection ran elsewhere", () => fleet.calls.length === 600);
      assert.equal(lost.filter((kind) => kind === "connection-lost").length, 200);
      for (const call of fleet.calls.slice(0, 400)) if (!call.session.destroyed) answer("stayed")(call);
      const texts = await Promise.all(calls);
      assert.equal(texts.filter((text) => text === "kept").length, 200);
      assert.equal(texts.filter((text) => text === "stayed").length, 200);
    },
  ));

for (const [name, backends, loadBalancing] of [
  ["a connection to the only address", 1, undefined],
  ["a connection that pick_first had chosen", 2, pickFirst()],
] as const) {
  test(`${name} is lost with 200 calls open: none fails, and the budget is left alone`, () => {
    const lost = new Set<unknown>();
    return withBench(
      {
        backends,
        readyBackends: 1,
        script: (call) => {
          if (call.number === 0 || call.number > 200) answer("kept")(call);
          else if (call.number === 200) call.cut();
          else lost.add(call.stream);
        },
        options: loadBalancing === undefined ? {} : { loadBalancing },
      },
      async ({ client, clock }) => {
        // It has answered: it is proven, and dialled anew at once.
        await client.unary({});
        const { reports, contextValues } = watched();
        const calls = Promise.all(Array.from({ length: 200 }, () => client.unary({}, { contextValues })));
        let done = false;
        void calls.then(
          () => {
            done = true;
          },
          () => undefined,
        );
        await until("all have an answer", () => {
          void clock.advance(20);
          return done;
        });
        assert.equal(reports.filter(({ retryDelayMs }) => retryDelayMs !== undefined).length, 200);
      },
    );
  });
}
