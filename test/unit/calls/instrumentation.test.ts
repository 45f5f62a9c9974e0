import assert from "node:assert/strict";
import { createServer } from "node:net";
import { test } from "node:test";
import { Code, createClient } from "@connectrpc/connect";
import { createAsyncIterable } from "@connectrpc/connect/protocol";
import { EchoService } from "../../../proto/gen/glink/demo/v1/echo_pb.js";
import { CallTrace } from "../../../src/calls/call-trace.ts";
import { type GlinkEvent, glinkTransport } from "../../../src/index.ts";
import type { CallTracer, ChannelView, Instrumentation } from "../../../src/observe/instrumentation.ts";
import { grpc } from "../../../src/protocol/grpc/grpc.ts";
import { systemHold } from "../../../src/runtime/process-hold.ts";
import { createTransport } from "../../../src/transport/transport.ts";
import { startConnectEcho } from "../../support/echo-server.ts";
import { ManualResolver } from "../../support/fake-pool.ts";
import { checkForLeaks } from "../../support/leaks.ts";
import { until } from "../../support/load.ts";
import { SocketsManualClock, settle } from "../../support/manual-clock.ts";
import { constantRandom } from "../../support/random.ts";
import { recorder } from "./recorder.ts";
import {
  answer,
  type Bench,
  begin,
  errorOf,
  failTrailersOnly,
  framedText,
  inTurn,
  loseConnection,
  type Script,
  watched,
  withBench,
} from "./scripted-server.ts";

checkForLeaks();

const unavailable = failTrailersOnly(Code.Unavailable);

/** Two backends that answer so, in the order in which they are called, and the story that a recorder hears. */
function recorded(
  script: Script,
  work: (bench: Bench, story: string[]) => Promise<void>,
  more: readonly Instrumentation[] = [],
): Promise<void> {
  let calls: readonly { readonly backend: string }[] = [];
  const { story, instrumentation } = recorder(() => [...new Set(calls.map(({ backend }) => backend))]);
  return withBench({ script, options: { instrumentation: [instrumentation, ...more] } }, (bench) => {
    calls = bench.fleet.calls;
    return work(bench, story);
  });
}

test("a unary call whose first attempt fails is two attempts and the wait between them", () =>
  recorded(inTurn(unavailable, answer("second")), async ({ client, clock, fleet }, story) => {
    const answered = client.unary({ text: "hello" });
    await until("the first attempt has failed", () => story.length === 3);
    await clock.advance(99);
    assert.equal(fleet.calls.length, 1);
    await clock.advance(1);
    assert.equal((await answered).text, "second");
    assert.deepEqual(story, [
      "Unary starts",
      "attempt 1",
      "attempt 1: Unavailable status unknown, backend 0, 0 ms, sent 1 (7 B), received 0 (0 B), next in 100 ms",
      "attempt 2",
      "attempt 2: ok, backend 1, 0 ms, sent 1 (7 B), received 1 (8 B), last",
      "Unary: ok, backend 1, 100 ms, attempts 2 + 0, idle 100 ms",
    ]);
  }));

test("a request that never ran is repeated as a transparent retry, which uses up no attempt", () =>
  recorded(
    inTurn(({ stream }) => stream.close(7), answer("again")),
    async ({ client }, story) => {
      await client.unary({});
      assert.deepEqual(story, [
        "Unary starts",
        "attempt 1",
        "attempt 1: Unavailable stream-reset refused, backend 0, 0 ms, sent 1 (0 B), received 0 (0 B), next in 0 ms",
        "attempt 1 again",
        "attempt 1: ok, backend 1, 0 ms, sent 1 (0 B), received 1 (7 B), last",
        "Unary: ok, backend 1, 0 ms, attempts 1 + 1, idle 0 ms",
      ]);
    },
  ));

test("a server stream that its caller leaves is canceled, and how much had come is told", () =>
  recorded(begin(Buffer.concat([framedText("one"), framedText("two")])), async ({ transport, clock }, story) => {
    // Not through a client: those of Connect 2.2 and before do not tell the transport that a stream was left.
    const requests = createAsyncIterable([{ text: "x" }]);
    const method = EchoService.method.serverStream;
    const { message } = await transport.stream(method, undefined, undefined, undefined, requests);
    for await (const { text } of message) {
      assert.equal(text, "one");
      await clock.advance(50);
      break;
    }
    await until("the end is told", () => story.length === 4);
    assert.deepEqual(story, [
      "ServerStream starts",
      "attempt 1",
      "attempt 1: Canceled canceled unknown, backend 0, 50 ms, sent 1 (3 B), received 2 (10 B), last",
      "ServerStream: Canceled canceled unknown, backend 0, 50 ms, attempts 1 + 0, idle 0 ms",
    ]);
  }));

test("a deadline while a call waits tells what it waited for, and how long for each", async () => {
  const silent = createServer((socket) => socket.on("error", () => undefined).resume()).listen(0, "127.0.0.1");
  await new Promise((resolve) => silent.once("listening", resolve));
  const { port } = silent.address() as { port: number };
  const clock = new SocketsManualClock();
  const resolver = new ManualResolver();
  const { story, instrumentation } = recorder();
  const transport = createTransport(
    { baseUrl: "http://echo.test:50051", resolver, instrumentation },
    { clock, random: constantRandom(), hold: systemHold() },
  );
  const failed = errorOf(createClient(EchoService, transport).unary({}, { timeoutMs: 500 }));
  await clock.advance(100);
  resolver.report(`127.0.0.1:${port}`);
  await settle();
  await clock.advance(400);
  assert.equal((await failed).code, Code.DeadlineExceeded);
  assert.deepEqual(story, [
    "Unary starts, 500 ms",
    "attempt 1",
    "waited for resolve 100 ms",
    "waited for connect 400 ms",
    "attempt 1: DeadlineExceeded deadline unknown, nowhere, 500 ms, sent 0 (0 B), received 0 (0 B), last",
    "Unary: DeadlineExceeded deadline unknown, nowhere, 500 ms, attempts 1 + 0, idle 0 ms",
  ]);
  const closed = transport.close({ timeoutMs: 0 });
  await clock.advance(1);
  await closed;
  await new Promise((resolve) => silent.close(resolve));
});

test("a call that is over before it has anything to send has an end and no attempt", () =>
  recorded(answer("never"), async ({ client, fleet }, story) => {
    await errorOf(client.unary({}, { signal: AbortSignal.abort(new Error("enough")) }));
    await errorOf(client.unary({}, { headers: [["x-bad", "a\u0001b"]] as unknown as Headers }));
    assert.deepEqual(story, [
      "Unary starts",
      "Unary: Canceled canceled unknown, nowhere, 0 ms, attempts 0 + 0, idle 0 ms",
      "Unary starts",
      "Unary: InvalidArgument invalid-request unsent, nowhere, 0 ms, attempts 0 + 0, idle 0 ms",
    ]);
    assert.equal(fleet.calls.length, 0);
  }));

test("an abort while a retry waits ends the call, and no attempt", () =>
  recorded(unavailable, async ({ client, clock }, story) => {
    const controller = new AbortController();
    const failed = errorOf(client.unary({}, { signal: controller.signal }));
    await until("the first attempt has failed", () => story.length === 3);
    await clock.advance(40);
    controller.abort();
    await failed;
    assert.deepEqual(story.slice(3), [
      "Unary: Canceled canceled unknown, backend 0, 40 ms, attempts 1 + 0, idle 40 ms",
    ]);
  }));

test("a header that a tracer sets goes with its attempt alone, in place of the caller's", () => {
  const seen: (string | undefined)[] = [];
  const tracing: Instrumentation = {
    callStarted: () => ({
      attemptStarted({ number, header }) {
        seen.push(header.get("TraceParent"));
        header.set("TraceParent", `attempt-${number}`);
        header.set("content-type", "text/html");
        header.set("user-agent", "other");
        return undefined;
      },
      ended: () => undefined,
    }),
  };
  return withBench(
    { script: inTurn(loseConnection, answer("ok")), options: { instrumentation: tracing } },
    async ({ client, fleet }) => {
      await client.unary({}, { headers: { traceparent: "the caller's", "x-own": "1" } });
      assert.deepEqual(seen, ["the caller's", "the caller's"]);
      assert.deepEqual(
        fleet.calls.map(({ headers }) => [headers.traceparent, headers["x-own"], headers["content-type"]]),
        [
          ["attempt-1", "1", "application/grpc+proto"],
          ["attempt-2", "1", "application/grpc+proto"],
        ],
      );
      assert.match(fleet.calls[0]?.headers["user-agent"] ?? "", /^glink/);
    },
  );
});

test("what an instrumentation throws is an event, and neither its call nor the others hear of it", () => {
  const fail = () => {
    throw new Error("broken");
  };
  const late: { set(name: string, value: string): void }[] = [];
  const broken: Instrumentation = {
    callStarted: () => ({
      attemptStarted({ header }) {
        late.push(header);
        header.set("x-bad", "line\nbreak");
        return { ended: fail };
      },
      ended: fail,
    }),
  };
  const rejects = {
    callStarted: () => ({ attemptStarted: () => ({ ended: fail }), ended: () => Promise.reject("no") }),
  };
  return recorded(
    answer("ok"),
    async ({ client, transport }, story) => {
      const events: GlinkEvent[] = [];
      transport.subscribe((event) => events.push(event));
      await client.unary({});
      await settle();
      assert.deepEqual(
        story.map((line) => line.split(",")[0]),
        ["Unary starts", "attempt 1", "attempt 1: ok", "Unary: ok"],
      );
      const failures = events.flatMap((event) => (event.type === "user-code-failed" ? [event] : []));
      assert.deepEqual(new Set(failures.map(({ where }) => where)), new Set(["instrumentation"]));
      assert.equal(failures.length, 5);
      assert.throws(() => late[0]?.set("traceparent", "1"), /too late/);
    },
    [broken, rejects, { callStarted: fail }],
  );
});

test("a tracer that ends the call as an attempt starts hears of that attempt's end", () => {
  const controller = new AbortController();
  const aborting: Instrumentation = {
    callStarted: () => ({
      attemptStarted: () => {
        controller.abort();
        return undefined;
      },
      ended: () => undefined,
    }),
  };
  return recorded(
    answer("never"),
    async ({ client, fleet }, story) => {
      await errorOf(client.unary({}, { signal: controller.signal }));
      assert.deepEqual(story, [
        "Unary starts",
        "attempt 1",
        "attempt 1: Canceled canceled unknown, nowhere, 0 ms, sent 0 (0 B), received 0 (0 B), last",
        "Unary: Canceled canceled unknown, nowhere, 0 ms, attempts 1 + 0, idle 0 ms",
      ]);
      assert.equal(fleet.calls.length, 0);
    },
    [aborting],
  );
});

for (const [kind, hedging] of [
  ["a call", false],
  ["a hedged call", { delayMs: 0, idempotentOnly: false }],
] as const) {
  for (const teller of ["a tracer that is told how long it waited", "a listener that is told that no call waits"]) {
    test(`${kind} that ends as it finds its backend, by ${teller}, leaves no stream open`, async () => {
      const backend = await startConnectEcho();
      const abort = new AbortController();
      const instrumentation: Instrumentation = {
        callStarted: () => ({
          waited: (why) => {
            if (why === "connect" && teller.includes("tracer")) abort.abort();
          },
          ended: () => undefined,
        }),
      };
      const transport = glinkTransport({ baseUrl: `http://${backend.address}`, instrumentation, hedging });
      transport.subscribe(({ type }) => {
        if (type === "queue-drained" && teller.includes("listener")) abort.abort();
      });
      try {
        const { unary } = createClient(EchoService, transport);
        const failed = unary({ behavior: { delayMs: 600_000 } }, { signal: abort.signal });
        assert.equal((await errorOf(failed)).code, Code.Canceled);
        // Behind what may have been sent.
        await unary({});
        const opened = () => transport.snapshot().subchannels.map(({ openCalls }) => openCalls);
        await until("nothing is open", () => String(opened()) === "0");
      } finally {
        await transport.close({ timeoutMs: 0 });
        await backend.close();
      }
    });
  }
}

test("a tracer without an end only starts attempts, and those beside it hear all", () => {
  const numbers: number[] = [];
  const starting: Instrumentation = {
    callStarted: () => ({ attemptStarted: ({ number }) => void numbers.push(number) }),
  };
  return recorded(
    inTurn(loseConnection, answer("ok")),
    async ({ client, transport }, story) => {
      const events: GlinkEvent[] = [];
      transport.subscribe((event) => events.push(event));
      await client.unary({});
      assert.deepEqual(numbers, [1, 2]);
      assert.match(story.at(-1) ?? "", /^Unary: ok/);
      assert.ok(!events.some(({ type }) => type === "user-code-failed"));
    },
    [starting],
  );
});

test("a call whose end nobody is told of does not read the clock", () => {
  const clock = new SocketsManualClock();
  let reads = 0;
  const now = clock.now.bind(clock);
  clock.now = () => {
    reads++;
    return now();
  };
  const context = { clock, events: { active: false, publish: () => undefined } };
  const follow = (tracer: CallTracer) => {
    reads = 0;
    const trace = new CallTrace(context, [tracer]);
    const attempt = trace.attempt({ number: 1, transparent: false, hedge: false });
    attempt.start([], grpc);
    attempt.ended(undefined, "10.0.0.1:1", undefined);
    trace.ended(undefined);
    return reads;
  };
  assert.equal(follow({ attemptStarted: () => undefined }), 0);
  assert.equal(follow({ ended: () => undefined }), 2);
});

test("onAttempt hears the same beside an instrumentation as without one", () =>
  recorded(inTurn(unavailable, answer("second")), async ({ client, clock }, story) => {
    const { reports, contextValues } = watched();
    const answered = client.unary({}, { contextValues });
    await until("the first attempt has failed", () => story.length === 3);
    await clock.advance(100);
    await answered;
    assert.deepEqual(
      reports.map(({ attempt, code, retryDelayMs }) => [attempt, code, retryDelayMs]),
      [
        [1, Code.Unavailable, 100],
        [2, undefined, undefined],
      ],
    );
    assert.equal(story.length, 6);
  }));

test("what an instrumentation attached to is told apart by its target, counts at any time, and ends with the transport", async () => {
  let view: ChannelView | undefined;
  let detached = 0;
  const instrumentation: Instrumentation = {
    attach(given) {
      view = given;
      return () => {
        detached++;
      };
    },
  };
  const types: string[] = [];
  await withBench({ script: answer("ok"), options: { instrumentation } }, async ({ client }) => {
    const unsubscribe = view?.subscribe(({ type }) => types.push(type));
    await client.unary({});
    const { started, succeeded, attempts } = view?.counts() ?? assert.fail("it was not attached");
    assert.deepEqual([view?.target, started, succeeded, attempts], ["http://echo.test:50051", 1, 1, 1]);
    assert.equal(detached, 0);
    unsubscribe?.();
  });
  assert.equal(detached, 1);
});

test("an instrumentation that would hear nothing is refused, and so is what is none", () => {
  const make = (instrumentation: unknown) => () =>
    glinkTransport({ baseUrl: "http://echo.test:50051", instrumentation: instrumentation as Instrumentation });
  assert.throws(make({}), /instrumentation has neither background nor attach nor callStarted: it would hear nothing/);
  assert.throws(make("otel"), /instrumentation must be an Instrumentation, not the string "otel"/);
  assert.throws(make([{ attach: () => () => undefined }, null]), /instrumentation\[1\] must be an Instrumentation/);
  assert.throws(make({ callStarted: 7 }), /instrumentation\.callStarted must be a function, not 7/);
});
