import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { Code } from "@connectrpc/connect";
import type { AttemptOutcome, Pick, PickTracker } from "../../../src/balancing/picker.ts";
import { type LoadBalancing, pickFromReady } from "../../../src/balancing/policy.ts";
import type { Drop, GlinkEvent } from "../../../src/index.ts";
import type { Backend } from "../../../src/subchannel/backend.ts";
import { checkForLeaks } from "../../support/leaks.ts";
import { until } from "../../support/load.ts";
import { answer, errorOf, failTrailersOnly, inTurn, watched, withBench } from "../calls/scripted-server.ts";

checkForLeaks();

/** A policy that makes this of the first backend that is ready. */
function picking(pickOf: (backend: Backend) => Pick | Drop): LoadBalancing {
  return pickFromReady("picking", ([backend]) => ({ pick: () => pickOf(backend as Backend) }));
}

/** Keeps what it hears. */
class RecordingTracker implements PickTracker {
  starts = 0;
  readonly ends: AttemptOutcome[] = [];

  started(): void {
    this.starts++;
  }

  ended(outcome: AttemptOutcome): void {
    this.ends.push(outcome);
  }
}

describe("a pick", () => {
  test("of a decorated backend brings the call to the backend with its id", () => {
    const decorated = new Map<string, Backend>();
    const decorate = (backend: Backend): Backend => {
      const { id, endpoint, state, availability, weight, hasRoom, openCalls, lastFailure } = backend;
      const facts = { id, endpoint, state, availability, weight, hasRoom, openCalls, lastFailure };
      return { ...facts, backend, connect: () => backend.connect(), disconnect: () => backend.disconnect() };
    };
    const pickOf = (backend: Backend) => {
      const known = decorated.get(backend.id) ?? decorate(backend);
      decorated.set(backend.id, known);
      return { backend: known };
    };
    return withBench({ script: answer("hello"), options: { loadBalancing: picking(pickOf) } }, async (bench) => {
      const { client, fleet } = bench;
      assert.equal((await client.unary({})).text, "hello");
      assert.deepEqual([...decorated.keys()], [fleet.calls[0]?.backend]);
    });
  });

  test("with metadata puts it on the wire, beside the call's own and for this attempt alone", () => {
    let picks = 0;
    const pickOf = (backend: Backend) => ({ backend, metadata: picks++ === 0 ? ["x-shard", "7"] : undefined });
    const script = inTurn(failTrailersOnly(Code.Unavailable), answer("hello"));
    return withBench({ script, options: { loadBalancing: picking(pickOf) } }, async ({ client, clock, fleet }) => {
      const { reports, contextValues } = watched();
      const answered = client.unary({}, { contextValues, headers: { "x-own": "1" } });
      await until("the first attempt has failed", () => reports.length === 1);
      await clock.advance(reports[0]?.retryDelayMs ?? 0);
      await answered;
      assert.deepEqual(
        fleet.calls.map(({ headers }) => [headers["x-shard"], headers["x-own"]]),
        [
          ["7", "1"],
          [undefined, "1"],
        ],
      );
    });
  });
});

describe("a tracker", () => {
  test("hears of the start, and of the end with latency, outcome and trailers", () => {
    const tracker = new RecordingTracker();
    const loadBalancing = picking((backend) => ({ backend, tracker }));
    let answers: (() => void) | undefined;
    const script = inTurn(
      (call) => {
        answers = () => answer("hello")(call);
      },
      failTrailersOnly(Code.NotFound, { "x-load": "0.5" }),
    );
    return withBench({ script, options: { loadBalancing } }, async ({ client, clock }) => {
      const answered = client.unary({});
      await until("the request has arrived", () => answers !== undefined);
      assert.equal(tracker.starts, 1);
      assert.equal(tracker.ends.length, 0);
      await clock.advance(75);
      answers?.();
      await answered;
      assert.deepEqual(
        tracker.ends.map(({ failure, latencyMs }) => [failure, latencyMs]),
        [[undefined, 75]],
      );
      assert.equal((await errorOf(client.unary({}))).code, Code.NotFound);
      assert.equal(tracker.starts, 2);
      assert.equal(tracker.ends[1]?.failure?.code, Code.NotFound);
      const { trailers = [] } = tracker.ends[1] ?? {};
      assert.equal(trailers[trailers.indexOf("x-load") + 1], "0.5");
    });
  });

  test("hears of an attempt that its caller gives up", () => {
    const tracker = new RecordingTracker();
    const loadBalancing = picking((backend) => ({ backend, tracker }));
    return withBench({ script: () => undefined, options: { loadBalancing } }, async ({ client, fleet }) => {
      const controller = new AbortController();
      const failed = errorOf(client.unary({}, { signal: controller.signal }));
      await until("the request has arrived", () => fleet.calls.length === 1);
      controller.abort();
      assert.equal((await failed).code, Code.Canceled);
      assert.deepEqual(
        tracker.ends.map(({ failure }) => failure?.code),
        [Code.Canceled],
      );
    });
  });

  test("that throws is reported, and its call goes on", () => {
    const fault = () => {
      throw new Error("bad mood");
    };
    const loadBalancing = picking((backend) => ({ backend, tracker: { started: fault, ended: fault } }));
    return withBench({ script: answer("hello"), options: { loadBalancing } }, async ({ client, transport }) => {
      const events: GlinkEvent[] = [];
      transport.subscribe((event) => events.push(event));
      assert.equal((await client.unary({})).text, "hello");
      const failed = events.filter((event) => event.type === "user-code-failed");
      assert.deepEqual(
        failed.map(({ where }) => where),
        ["pick tracker", "pick tracker"],
      );
    });
  });
});

describe("a drop", () => {
  for (const code of [undefined, Code.ResourceExhausted]) {
    const name = Code[code ?? Code.Unavailable];
    test(`fails the call as ${name} at once, even where it waits for ready and would be retried`, () => {
      const drop: Drop = code === undefined ? { drop: "too busy" } : { drop: "too busy", code };
      const retry = { codes: [Code.Unavailable, Code.ResourceExhausted] };
      const options = { loadBalancing: picking(() => drop), waitForReady: true, retry };
      return withBench({ script: answer("hello"), options }, async ({ client, fleet, clock }) => {
        const { reports, contextValues } = watched();
        const error = await errorOf(client.unary({}, { contextValues }));
        assert.equal(error.code, code ?? Code.Unavailable);
        assert.match(error.rawMessage, /^the load-balancing policy dropped the call: too busy/);
        assert.equal(reports.length, 1);
        assert.equal(reports[0]?.retryDelayMs, undefined);
        await clock.advance(60_000);
        assert.equal(fleet.calls.length, 0);
      });
    });
  }
});
