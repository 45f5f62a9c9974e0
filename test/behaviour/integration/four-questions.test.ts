import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { Code, createClient, createContextValues } from "@connectrpc/connect";
import { EchoService } from "../../../proto/gen/glink/demo/v1/echo_pb.js";
import {
  type GlinkSnapshot,
  type GlinkTransport,
  type GlinkTransportOptions,
  glinkCall,
  type Logger,
} from "../../../src/index.ts";
import { type ManualClock, manualClock, manualResolver, testTransport } from "../../../src/testing/index.ts";
import { startConnectEcho } from "../../support/echo-server.ts";
import { everyOutput } from "../../support/every-output.ts";
import { startFramePeer } from "../../support/frame-peer.ts";
import { checkForLeaks } from "../../support/leaks.ts";
import { until } from "../../support/load.ts";
import { glinkTransport } from "../../support/transport.ts";
import { answer, errorOf, failTrailersOnly, startFleet } from "../../unit/calls/scripted-server.ts";

/*
 * The questions of docs/observability.md: each situation is made, and what the guide names for it is looked at.
 */

checkForLeaks();

const guide = readFileSync(join(import.meta.dirname, "../../../docs/observability.md"), "utf8");

/** What the guide says under a question, on one line. */
function answerOf(question: string): string {
  const section = guide.slice(guide.indexOf(`\n## ${question}\n`) + 4);
  return section.slice(0, section.indexOf("\n## ")).replaceAll(/\s+/g, " ");
}

interface Span {
  readonly name: string;
  readonly attributes: Readonly<Record<string, unknown>>;
  readonly events: readonly { readonly name: string; readonly attributes?: Readonly<Record<string, unknown>> }[];
}

/** What is told, as somebody who looks for an answer reads it. */
interface Seen {
  /** The value of the only series of this name that has all of these labels. */
  metric(name: string, ...labels: string[]): number;
  spans(): readonly Span[];
  /** The page's text, without tags. */
  page(): string;
  snapshot(): GlinkSnapshot;
}

/** Runs `work` with a transport that is seen from everywhere; `look` reads all of it at one moment. `clock`: its time. */
async function watched(
  options: Omit<GlinkTransportOptions, "baseUrl">,
  work: (given: {
    transport: GlinkTransport;
    client: ReturnType<typeof createClient<typeof EchoService>>;
    /** `level message` each. */
    lines: readonly string[];
    look(): Promise<Seen>;
  }) => Promise<void>,
  clock?: ManualClock,
): Promise<void> {
  const outputs = everyOutput();
  const lines: string[] = [];
  const write = (level: string) => (_fields: object, message: string) => void lines.push(`${level} ${message}`);
  const logger: Logger = { debug: write("debug"), info: write("info"), warn: write("warn"), error: write("error") };
  const { instrumentation } = outputs;
  const given = { baseUrl: "http://echo.test", ...options, instrumentation, logger };
  const transport = clock === undefined ? glinkTransport(given) : testTransport(given, { clock });
  outputs.watch(transport);
  const look = async (): Promise<Seen> => {
    const read = await outputs.read();
    const series = String(read.prometheus).split("\n");
    return {
      metric(name, ...labels) {
        const found = series.filter((line) => line.startsWith(`${name}{`) && labels.every((one) => line.includes(one)));
        assert.equal(found.length, 1, `${name} of ${labels}: ${found.length} series`);
        return Number(found[0]?.split(" ").at(-1));
      },
      spans: () => read.spans as Span[],
      page: () =>
        String(read.page)
          .replaceAll(/<[^>]*>/g, " ")
          .replaceAll(/\s+/g, " "),
      snapshot: () => transport.snapshot(),
    };
  };
  try {
    await work({ transport, client: createClient(EchoService, transport), lines, look });
  } finally {
    outputs.stop();
    const closed = transport.close({ timeoutMs: 0 });
    await clock?.advance(1);
    await closed;
  }
}

function portOf(address: string): string {
  return address.slice(address.lastIndexOf(":") + 1);
}

async function allReady(transport: GlinkTransport): Promise<void> {
  await transport.ready();
  await until("all are ready", () => transport.snapshot().subchannels.every(({ state }) => state === "ready"));
}

test("which pod is sick: one that fails its calls", async () => {
  const fail = failTrailersOnly(Code.Internal);
  let sick = "";
  const fleet = await startFleet(3, (call) => (call.backend === sick ? fail : answer("ok"))(call));
  sick = fleet.addresses[1] as string;
  const resolver = manualResolver(...fleet.addresses);
  await watched({ resolver, outlierDetection: false, retry: false }, async ({ transport, client, look }) => {
    await allReady(transport);
    for (let i = 0; i < 9; i++) await client.unary({}).catch(() => undefined);
    const { metric, spans, page, snapshot } = await look();
    const port = (address: string) => `network_peer_port="${portOf(address)}"`;
    for (const address of fleet.addresses) {
      const failed = address === sick ? 3 : 0;
      assert.equal(metric("glink_backend_attempts_failed_total", port(address)), failed);
      assert.equal(metric("glink_backend_attempts_started_total", port(address)), 3);
    }
    assert.equal(metric("glink_attempts_failed_total", 'glink_failure_kind="status"', 'glink_progress="unknown"'), 3);
    const failing = spans().filter(({ attributes }) => attributes["error.type"] === "INTERNAL");
    const peers = new Set(failing.map(({ attributes }) => attributes["network.peer.port"]));
    assert.deepEqual([...peers], [Number(portOf(sick))]);
    assert.match(page(), new RegExp(`${sick} ● ready for [^%]*% [\\d.]+ [\\d.]+ 0 3 3 `));
    const { callsFailed, callsStarted } = snapshot().subchannels.find(({ address }) => address === sick) ?? {};
    assert.deepEqual([callsFailed, callsStarted], [3, 3]);
  });
  await fleet.close();
});

test("which pod is sick: one that is gone, and one whose calls fail until it is left out", async () => {
  const backends = await Promise.all([startConnectEcho(), startConnectEcho(), startConnectEcho()]);
  const [gone] = backends;
  const addresses = backends.map(({ address }) => address);
  await watched({ resolver: manualResolver(...addresses) }, async ({ transport, client, lines, look }) => {
    await allReady(transport);
    await gone.close();
    const lost = (line: string) => line.startsWith(`warn ${gone.address} went from`);
    // A transport without calls would not dial it again.
    while (!lines.some(lost)) await client.unary({});
    assert.match(
      lines.find(lost) ?? "",
      / went from connecting to transient-failure: .+ \(2 of 3 backends are ready\)$/,
    );
    const { page, snapshot } = await look();
    const { lastError, availability } = snapshot().subchannels[0] ?? {};
    assert.ok(lastError !== undefined && availability === "usable");
    assert.match(page(), /2 of 3 backends ready/);
  });
  for (const backend of backends) await backend.close();

  const fail = failTrailersOnly(Code.Internal);
  let sick = "";
  const fleet = await startFleet(3, (call) => (call.backend === sick ? fail : answer("ok"))(call));
  sick = fleet.addresses[0] as string;
  const resolver = manualResolver(...fleet.addresses);
  await watched({ resolver, retry: false }, async ({ transport, client, lines, look }) => {
    await allReady(transport);
    const ejected = (line: string) => line.startsWith(`warn ${sick} is ejected for 30000 ms: `);
    while (!lines.some(ejected)) await client.unary({}).catch(() => undefined);
    const { metric, page, snapshot } = await look();
    assert.equal(metric("glink_ejections_total", 'glink_reason="consecutive-failures"'), 1);
    assert.equal(metric("glink_pool_left_out", 'glink_availability="ejected"'), 1);
    assert.match(page(), /ejected: its calls fail one after the other/);
    assert.equal(snapshot().subchannels[0]?.availability, "ejected");
  });
  await fleet.close();
  assert.ok(answerOf("Which pod is sick?").includes("is ejected for 30000 ms: …"));
});

test("which pod is sick: one that is connected and says nothing", async (t) => {
  const silent = await startFramePeer({ answersPings: false });
  t.after(() => silent.close());
  const backend = await startConnectEcho();
  t.after(() => backend.close());
  const clock = manualClock();
  const resolver = manualResolver(silent.address, backend.address);
  const options = { resolver, retry: false, pingTimeoutMs: 5_000 } as const;
  const work = async ({ transport, client, lines, look }: Parameters<Parameters<typeof watched>[1]>[0]) => {
    await allReady(transport);
    // Each backend gets one that has a deadline and one that has none.
    const deadlines = [1_000, 1_000, undefined, undefined];
    const calls = deadlines.map((timeoutMs) => client.unary({}, timeoutMs === undefined ? {} : { timeoutMs }));
    const settled = Promise.allSettled(calls);
    await until("both of the silent one's are there", () => silent.requests.length === 2);
    await clock.advance(1_000);
    const missed = await Promise.any(calls.slice(0, 2).map(errorOf));
    assert.equal(missed.message, `[deadline_exceeded] the operation timed out (backend ${silent.address})`);
    const suspected = await look();
    assert.equal(suspected.metric("glink_pool_left_out", 'glink_availability="suspect"'), 1);
    assert.match(
      suspected.page(),
      new RegExp(`${silent.address} ● ready for \\S+ \\S+ ▲ suspect: a call missed its deadline`),
    );
    await clock.advance(3_000);
    assert.ok(
      lines.some((line) => line.startsWith(`warn ${silent.address} has said nothing for 2`)),
      lines.join("\n"),
    );
    await clock.advance(5_000);
    await settled;
    const { metric, spans, page, snapshot } = await look();
    assert.equal(metric("glink_attempts_failed_total", 'glink_failure_kind="deadline"', 'glink_progress="unknown"'), 1);
    assert.equal(
      metric("glink_attempts_failed_total", 'glink_failure_kind="ping-timeout"', 'glink_progress="unknown"'),
      1,
    );
    assert.equal(metric("glink_pings_total", 'glink_outcome="unanswered"'), 1);
    const failed = spans().filter(({ attributes }) => attributes["error.type"] !== undefined);
    const ports = new Set(failed.map(({ attributes }) => attributes["network.peer.port"]));
    assert.deepEqual([...ports], [Number(portOf(silent.address))]);
    const why = "the connection is dead: a PING got no answer for 5000 ms";
    assert.match(page(), new RegExp(`${silent.address} ▲ transient-failure for [^–]*– [^–]*– ${why}`));
    assert.match(page(), new RegExp(`${silent.address} ${why} ping-timeout; it may have run`));
    assert.equal(snapshot().subchannels.find(({ address }) => address === silent.address)?.callsFailed, 2);
  };
  await watched(options, work, clock);
  assert.ok(answerOf("Which pod is sick?").includes("has said nothing for 2000 ms"));
});

test("why is this call slow: one that misses its deadline says what it waited for, and what failed last", async () => {
  const clock = manualClock();
  const gone = await startConnectEcho();
  await gone.close();
  const resolver = manualResolver();
  const work = async ({ client, lines }: Parameters<Parameters<typeof watched>[1]>[0]) => {
    const first = errorOf(client.unary({}, { timeoutMs: 1_000 }));
    await until("it waits", () => lines.some((line) => line.startsWith("debug calls wait")));
    await clock.advance(1_000);
    const unresolved = await first;
    assert.equal(unresolved.code, Code.DeadlineExceeded);
    assert.equal(unresolved.message, "[deadline_exceeded] the operation timed out (no connection was ready)");
    resolver.answer(gone.address);
    const contextValues = createContextValues().set(glinkCall, { waitForReady: true });
    const second = errorOf(client.unary({}, { timeoutMs: 1_000, contextValues }));
    await until("the dial failed", () => lines.some((line) => line.includes("ECONNREFUSED")));
    await clock.advance(1_000);
    const unconnected = await second;
    assert.equal(unconnected.code, Code.DeadlineExceeded);
    const refused = `Unavailable from ${gone.address}: cannot connect: connect ECONNREFUSED ${gone.address}`;
    const text = `[deadline_exceeded] the operation timed out (no connection was ready, last error: ${refused})`;
    assert.equal(unconnected.message, text);
  };
  await watched({ resolver }, work, clock);
  assert.ok(answerOf("Why is this call slow?").includes("a call that missed its deadline says what it waited for"));
});

test("why is this call slow: it waits for a backend, or for its retry", async () => {
  const backend = await startConnectEcho();
  const resolver = manualResolver();
  const options = { resolver, retry: { initialBackoffMs: 50 } };
  await watched(options, async ({ client, lines, look }) => {
    const behavior = { failCode: Code.Unavailable, failAttempts: 1, requestId: "slow" };
    const slow = client.unary({ behavior });
    await until("it waits", () => lines.some((line) => line.startsWith("debug calls wait")));
    const waiting = await look();
    assert.equal(waiting.metric("glink_calls_queued"), 1);
    assert.match(waiting.page(), /open calls 1 1 wait for a backend/);
    resolver.answer(backend.address);
    await slow;
    const { metric, spans, page } = await look();
    assert.ok(metric("glink_pick_wait_seconds_sum", 'glink_wait_reason="resolve"') > 0);
    assert.ok(metric("glink_retry_delay_seconds_total") > 0);
    const method = 'rpc_method="glink.demo.v1.EchoService/Unary"';
    const whole = metric("rpc_client_call_duration_seconds_sum", method);
    const attempt = metric("grpc_client_attempt_duration_seconds_sum", 'grpc_status="OK"');
    assert.ok(attempt > 0 && attempt < whole);
    const call = spans().find(({ name }) => name === "glink.demo.v1.EchoService/Unary");
    assert.ok(
      call?.events.some(
        ({ name, attributes }) => name === "glink.waited" && attributes?.["glink.wait.reason"] === "resolve",
      ),
    );
    assert.equal(spans().filter(({ name }) => name === "Attempt.glink.demo.v1.EchoService.Unary").length, 2);
    assert.match(page(), /connected in \d+ ms/);
    assert.ok(lines.includes("debug calls wait (resolve), a call of glink.demo.v1.EchoService/Unary first"));
    assert.ok(lines.includes("debug no call waits any more: 1 did"));
  });
  await backend.close();
});

test("are retries hiding an outage: callers see success, the network does not, and the budget ends it", async () => {
  let isOut = false;
  const fail = failTrailersOnly(Code.Unavailable);
  const fleet = await startFleet(1, (call) => {
    const isRetry = call.headers["grpc-previous-rpc-attempts"] !== undefined;
    (isOut || !isRetry ? fail : answer("ok"))(call);
  });
  const options = {
    resolver: manualResolver(...fleet.addresses),
    outlierDetection: false,
    retry: { initialBackoffMs: 1, maxBackoffMs: 1, budget: { ratio: 0, minPerSecond: 0.4 } },
  } as const;
  await watched(options, async ({ client, lines, look }) => {
    for (let i = 0; i < 3; i++) await client.unary({});
    const hidden = await look();
    assert.equal(hidden.metric("glink_calls_ended_total", 'grpc_status="OK"'), 3);
    assert.equal(
      hidden.metric("glink_attempts_failed_total", 'glink_failure_kind="status"', 'glink_progress="unknown"'),
      3,
    );
    assert.equal(hidden.metric("grpc_client_attempt_started_total"), 6);
    assert.equal(hidden.metric("glink_retry_budget_available"), 1);
    assert.equal(hidden.spans().filter(({ attributes }) => attributes["glink.attempts"] === 2).length, 3);
    assert.match(hidden.page(), /calls succeeded 100 % .* attempts succeeded 50 %/);
    isOut = true;
    await errorOf(client.unary({}));
    await errorOf(client.unary({}));
    const { metric, snapshot } = await look();
    assert.equal(metric("glink_retry_budget_available"), 0);
    assert.ok(metric("glink_retries_withheld_total", 'glink_reason="budget"') >= 1);
    const warnings = lines.filter((line) => line.startsWith("warn the retry budget is used up"));
    assert.deepEqual(warnings, ["warn the retry budget is used up: failed calls of http://echo.test are not retried"]);
    assert.ok(lines.some((line) => line.startsWith("debug attempt 1 of glink.demo.v1.EchoService/Unary failed")));
    const { calls, retryBudget } = snapshot();
    assert.equal(calls.retriesBy.policy, 4);
    assert.ok((calls.retriesWithheld.budget ?? 0) >= 1);
    assert.equal(retryBudget?.available, 0);
  });
  await fleet.close();
});

test("is DNS stale: the list grows old, lookups fail, and work again", async () => {
  const backend = await startConnectEcho();
  const resolver = manualResolver(backend.address);
  await watched({ resolver }, async ({ transport, lines, look }) => {
    await transport.ready();
    resolver.fail(new Error("no such host"));
    await until("it is told", () => lines.some((line) => line.startsWith("warn cannot resolve")));
    resolver.fail(new Error("no such host"));
    const { metric, page, snapshot } = await look();
    assert.ok(metric("glink_resolve_age_seconds") > 0);
    assert.equal(metric("glink_resolve_lookups_total", 'glink_outcome="failure"'), 2);
    assert.equal(metric("glink_resolve_changes_total", 'glink_change="added"'), 1);
    assert.match(page(), /addresses as of \S+ \S+ ago the last lookup failed; next/);
    const { resolution, lookups } = snapshot();
    assert.ok(resolution.lastError !== undefined && resolution.lastSuccessAtMs !== undefined);
    assert.equal(lookups.failed, 2);
    assert.equal(lines.filter((line) => line.startsWith("warn cannot resolve")).length, 1, "once per episode");
    resolver.answer(backend.address);
    await until("it is over", () => lines.includes("info name resolution works again"));
  });
  await backend.close();
});

test("every metric that an answer names is one of the table", () => {
  const table = new Set(
    Array.from(guide.matchAll(/^\| `([a-z_]+)` \| (?:counter|gauge|histogram|summary)/gm), ([, name]) => name),
  );
  const questions = ["Which pod is sick?", "Why is this call slow?", "Are retries hiding an outage?", "Is DNS stale?"];
  for (const question of questions) {
    const named = answerOf(question).match(/(?<=`)(?:glink|grpc|rpc)_[a-z_]{6,}/g) ?? [];
    const unknown = named.filter(
      (name) =>
        !table.has(name) && !/^(?:grpc_status|glink_(?:failure_kind|outcome|reason|wait_reason|state))$/.test(name),
    );
    assert.deepEqual(unknown, [], question);
    assert.ok(named.length >= 3, question);
  }
});
