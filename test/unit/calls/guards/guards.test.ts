import assert from "node:assert/strict";
import { test } from "node:test";
import { Code, type Interceptor } from "@connectrpc/connect";
import type { Failure } from "../../../../src/base/errors.ts";
import { AdmissionControl } from "../../../../src/calls/guards/admission-control.ts";
import { checkAdmissionOptions } from "../../../../src/calls/guards/admission-options.ts";
import { type GlinkEvent, glinkFailureOf } from "../../../../src/index.ts";
import { checkForLeaks } from "../../../support/leaks.ts";
import { until } from "../../../support/load.ts";
import { ManualClock } from "../../../support/manual-clock.ts";
import { seededRandom } from "../../../support/random.ts";
import { answer, errorOf, failTrailersOnly, staySilent, watched, withBench } from "../scripted-server.ts";

checkForLeaks();

const unavailable: Failure = {
  kind: "status",
  code: Code.Unavailable,
  progress: "unknown",
  message: "no",
  wire: { metadata: [], details: [], isWireError: true },
};

function drops(listen: (listener: (event: GlinkEvent) => void) => unknown) {
  const seen: Extract<GlinkEvent, { type: "call-dropped" }>[] = [];
  listen((event) => {
    if (event.type === "call-dropped") seen.push(event);
  });
  return seen;
}

test("above maxOpenCalls a call fails at once, is never sent, and is not retried", () =>
  withBench(
    {
      script: staySilent,
      options: { maxOpenCalls: 2, retry: { codes: [Code.ResourceExhausted], initialBackoffMs: 0 } },
    },
    async ({ client, fleet, transport, clock }) => {
      const events = drops((listener) => transport.subscribe(listener));
      const abort = new AbortController();
      const open = [client.unary({}, { signal: abort.signal }), client.unary({}, { signal: abort.signal })].map(
        errorOf,
      );
      await until("both are sent", () => fleet.calls.length === 2);
      const { reports, contextValues } = watched();
      const error = await errorOf(client.unary({}, { contextValues }));
      assert.equal(error.code, Code.ResourceExhausted);
      assert.equal(error.rawMessage, "2 calls are open already (maxOpenCalls 2)");
      const { kind, progress, attempts } = glinkFailureOf(error) ?? {};
      assert.deepEqual({ kind, progress, attempts }, { kind: "too-many-calls", progress: "unsent", attempts: 0 });
      await errorOf(client.unary({}));
      await clock.advance(10_000);
      await errorOf(client.unary({}));
      assert.deepEqual(reports, []);
      assert.equal(fleet.calls.length, 2);
      assert.deepEqual(
        events.map(({ method, reason, first }) => [method, reason, first]),
        [
          ["glink.demo.v1.EchoService/Unary", "max-open-calls", true],
          ["glink.demo.v1.EchoService/Unary", "max-open-calls", false],
          ["glink.demo.v1.EchoService/Unary", "max-open-calls", true],
        ],
      );
      const { calls } = transport.snapshot();
      assert.deepEqual(calls.dropped, { "max-open-calls": 3, admission: 0 });
      assert.deepEqual(calls.failed, { ResourceExhausted: 3 });
      abort.abort();
      await Promise.all(open);
    },
  ));

test("a call that ended makes room, however it ended", () =>
  withBench(
    {
      script: (call) => (call.number === 0 ? failTrailersOnly(Code.NotFound) : answer("ok"))(call),
      options: { maxOpenCalls: 1 },
    },
    async ({ client }) => {
      await errorOf(client.unary({}));
      for (let i = 0; i < 3; i++) await client.unary({});
      // Its options are wrong: it is none that is open.
      await errorOf(client.unary({}, watched({ retry: { maxAttempts: 0 } })));
      await client.unary({});
      let messages = 0;
      for await (const _ of client.serverStream({})) messages++;
      await client.unary({});
      assert.equal(messages, 1);
    },
  ));

test("interceptors see a dropped call, and may answer it themselves", () => {
  const fallback: Interceptor = (next) => async (request) => {
    try {
      return await next(request);
    } catch (error) {
      return Promise.reject(glinkFailureOf(error)?.kind === "too-many-calls" ? new Error("busy") : error);
    }
  };
  return withBench(
    { script: staySilent, options: { maxOpenCalls: 1, interceptors: [fallback] } },
    async ({ client, fleet }) => {
      const abort = new AbortController();
      const open = errorOf(client.unary({}, { signal: abort.signal }));
      await until("it is sent", () => fleet.calls.length === 1);
      assert.match((await errorOf(client.unary({}))).message, /busy/);
      abort.abort();
      await open;
    },
  );
});

/** Offers `perSecond` calls a second to servers that take `capacity` of them. Returns what was sent in the last minute. */
async function offer(perSecond: number, capacity: number, options: object = {}) {
  const clock = new ManualClock();
  const admission = new AdmissionControl(checkAdmissionOptions(options), clock, seededRandom(7));
  let sent = 0;
  for (let second = 0; second < 240; second++) {
    if (second === 180) sent = 0;
    let taken = 0;
    for (let i = 0; i < perSecond; i++) {
      if (admission.refuse() !== undefined) continue;
      admission.started();
      sent++;
      admission.ended(taken++ < capacity ? undefined : unavailable);
    }
    clock.stall(1_000);
  }
  return { admission, clock, sentPerSecond: sent / 60 };
}

test("with admission, about twice of what servers take is sent, and all of it when they take half or more", async () => {
  assert.ok(Math.abs((await offer(200, 20)).sentPerSecond - 40) < 6);
  assert.ok(Math.abs((await offer(200, 20, { ratio: 1.1 })).sentPerSecond - 22) < 6);
  assert.equal((await offer(200, 101)).sentPerSecond, 200);
});

test("servers that take nothing at all still get a tenth, so that their return is noticed", async () => {
  const { sentPerSecond, admission, clock } = await offer(200, 0);
  assert.ok(Math.abs(sentPerSecond - 20) < 4, `${sentPerSecond}`);
  clock.stall(120_000);
  assert.equal(admission.refuse(), undefined, "a window later all is forgotten");
});

test("by default one call a second is too few to drop any, two are not, and nine in ten are dropped at most", async () => {
  assert.deepEqual(checkAdmissionOptions({}), { ratio: 2, windowMs: 120_000, minPerSecond: 1, maxDropShare: 0.9 });
  const slower = new ManualClock();
  const admission = new AdmissionControl(checkAdmissionOptions({}), slower, { next: () => 0 });
  for (let second = 0; second < 300; second++) {
    assert.equal(admission.refuse(), undefined, `in second ${second}`);
    admission.ended(unavailable);
    slower.stall(1_010);
  }
  assert.ok((await offer(2, 0)).sentPerSecond < 0.5);
});

test("few calls are all sent, whatever becomes of them", async () => {
  assert.equal((await offer(1, 0, { minPerSecond: 2 })).sentPerSecond, 1);
});

test("what no server said says nothing of their load", () => {
  const admission = new AdmissionControl(checkAdmissionOptions({ minPerSecond: 0 }), new ManualClock(), {
    next: () => 0,
  });
  for (const kind of ["no-backend", "connection-lost", "deadline"] as const) {
    for (let i = 0; i < 50; i++)
      admission.ended({ kind, code: Code.Unavailable, progress: "unknown", message: "gone" });
  }
  assert.equal(admission.refuse(), undefined);
  for (let i = 0; i < 50; i++) admission.ended({ ...unavailable, code: Code.NotFound });
  assert.equal(admission.refuse(), undefined, "an answer is an answer");
});

test("a call that admission drops fails at once with what is going on, and is counted", () =>
  withBench(
    { script: failTrailersOnly(Code.ResourceExhausted), options: { admission: { minPerSecond: 0 }, retry: false } },
    async ({ client, fleet, transport }) => {
      const events = drops((listener) => transport.subscribe(listener));
      for (let i = 0; i < 5; i++) await errorOf(client.unary({}));
      const { length } = fleet.calls;
      const error = await errorOf(client.unary({}));
      assert.equal(fleet.calls.length, length);
      assert.equal(glinkFailureOf(error)?.kind, "not-admitted");
      assert.match(error.rawMessage, /^servers refuse most calls: \d\d % of them are not sent for now \(admission\)$/);
      assert.equal(events[0]?.first, true);
      assert.ok(transport.snapshot().calls.dropped.admission > 0);
    },
  ));
