// A backend that is frozen (SIGSTOP) keeps its socket open and says nothing (user-demand 13, reliability S08).
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { Code } from "@connectrpc/connect";
import { type GlinkEvent, type GlinkTransport, staticResolver } from "../../../src/index.ts";
import { checkForLeaks } from "../../support/leaks.ts";
import { assertExecutionsPermitted, Load, until } from "../../support/load.ts";
import { noSignals } from "../../support/platform.ts";
import { type BackendProcess, TestProcesses } from "../../support/processes.ts";
import { glinkTransport } from "../../support/transport.ts";

checkForLeaks();

describe("one of three backends freezes under load, and thaws", { skip: noSignals }, () => {
  const processes = new TestProcesses();
  let backends: BackendProcess[];
  let frozen: string;
  /** Finds the frozen backend by a PING after an attempt timed out there. */
  let suspecting: Load;
  /** Finds it by PINGs in silence; its calls have no time limit at all. */
  let pinging: Load;
  let noticedMs: number;
  let thawedMs: number;
  const reasons = new Map<GlinkTransport, string>();

  before(async () => {
    backends = await processes.backends(3, 32);
    // A grpc-js server. A connect-node server under load sends many messages before the first status; calls caught in
    // between have their answer, and are not repeated.
    frozen = backends[1]!.address;
    const options = {
      baseUrl: "http://echo.test",
      resolver: staticResolver(backends.map(({ address }) => address)),
      connectTimeoutMs: 2_000,
      reconnectBackoff: { maxBackoffMs: 500 },
      // Long enough that a busy machine is not taken for a frozen backend.
      pingTimeoutMs: 1_000,
    };
    const transports = [
      glinkTransport({ ...options, retry: { perAttemptTimeoutMs: 1_000, budget: false } }),
      glinkTransport({ ...options, pingIntervalMs: 1_000 }),
    ] as const;
    for (const transport of transports) {
      transport.subscribe((event: GlinkEvent) => {
        if (event.type !== "subchannel-state" || event.address !== frozen || event.from !== "ready") return;
        if (!reasons.has(transport)) reasons.set(transport, event.error?.message ?? "");
      });
    }
    try {
      await Promise.all(transports.map((transport) => transport.ready({ timeoutMs: 10_000 })));
      suspecting = new Load(transports[0], { callsPerSecond: 40, timeoutMs: 10_000 });
      pinging = new Load(transports[1], { callsPerSecond: 40 });
      await until("all backends answer", () =>
        [suspecting, pinging].every((load) => load.answersSince(0).size === 3 && load.results.length > 30),
      );
      backends[1]!.kill("SIGSTOP");
      await until("both transports know", () => reasons.size === 2);
      noticedMs = performance.now();
      await until("30 more calls each", () =>
        [suspecting, pinging].every(({ results }) => results.filter((r) => r.startedMs > noticedMs).length > 30),
      );
      thawedMs = performance.now();
      backends[1]!.kill("SIGCONT");
      await until("the thawed backend answers both", () =>
        [suspecting, pinging].every((load) => load.answersSince(thawedMs).has(frozen)),
      );
      await Promise.all([suspecting.stop(), pinging.stop()]);
    } catch (error) {
      // Node 20 runs no after hook when a before hook failed.
      await processes.close();
      throw error;
    } finally {
      suspecting?.cancel();
      pinging?.cancel();
      backends[1]!.kill("SIGCONT");
      await Promise.all(transports.map((transport) => transport.close()));
    }
  });

  after(() => processes.close());

  test("a PING that goes unanswered is why it is replaced, for a call that timed out and for silence alike", () => {
    assert.equal(reasons.size, 2);
    for (const reason of reasons.values()) assert.match(reason, /PING got no answer/);
  });

  test("no call fails: those that were stuck on it are answered elsewhere", () => {
    for (const { failures, results } of [suspecting, pinging]) {
      assert.deepEqual(failures, []);
      const stuck = results.filter(({ attempts }) => attempts.length > 1 && attempts[0]?.address === frozen);
      assert.ok(stuck.length > 0);
      for (const { backend } of stuck) assert.notEqual(backend, frozen);
    }
  });

  test("the stuck attempts end as DeadlineExceeded with a limit, and as Unavailable by the PING", () => {
    const codes = ({ results }: Load) => new Set(results.flatMap(({ attempts }) => attempts.map(({ code }) => code)));
    assert.ok(codes(suspecting).has(Code.DeadlineExceeded));
    assert.deepEqual(codes(pinging), new Set([undefined, Code.Unavailable]));
  });

  test("no call goes to it while it is frozen, and calls return to it when it thaws", () => {
    for (const load of [suspecting, pinging]) {
      for (const { startedMs, attempts } of load.results) {
        if (startedMs > noticedMs && startedMs < thawedMs) assert.notEqual(attempts[0]?.address, frozen);
      }
      assert.ok(load.answersSince(thawedMs).has(frozen));
    }
  });

  test("no handler runs more often than attempts were sent to it", () =>
    assertExecutionsPermitted(backends, [suspecting, pinging]));
});

test("with default options a frozen backend costs the calls until the first of them misses its deadline, and no more", {
  timeout: 60_000,
  skip: noSignals,
}, async () => {
  const processes = new TestProcesses();
  const backends = await processes.backends(3, 36);
  const [, victim] = backends as [BackendProcess, BackendProcess, BackendProcess];
  const { address } = victim;
  const lines: string[] = [];
  const note = (_: unknown, message: string) => lines.push(message);
  const transport = glinkTransport({
    baseUrl: "http://echo.test",
    resolver: staticResolver(backends.map((backend) => backend.address)),
    logger: { debug: () => undefined, info: note, warn: note, error: note },
  });
  const knownMs = { suspect: 0, silent: 0 };
  transport.subscribe((event) => {
    if (event.type === "subchannel-suspect" && event.address === address) knownMs.suspect ||= performance.now();
    if (event.type === "subchannel-silent" && event.address === address) knownMs.silent ||= performance.now();
  });
  try {
    await transport.ready({ timeoutMs: 10_000 });
    // A deadline long enough that a busy machine is not taken for a frozen backend.
    const load = new Load(transport, { callsPerSecond: 20, timeoutMs: 4_000 });
    try {
      await until("all backends answer", () => load.answersSince(0).size === 3);
      victim.kill("SIGSTOP");
      await until("it is known to be silent", () => knownMs.silent > 0);
      const shown = transport.snapshot().subchannels.find((subchannel) => subchannel.address === address);
      assert.deepEqual([shown?.state, shown?.availability], ["ready", "suspect"]);
      const thawedMs = performance.now();
      victim.kill("SIGCONT");
      await until("it answers again", () => load.answersSince(thawedMs).has(address));
      await load.stop();
      // Pickers hear of it at the end of the turn.
      const after = load.results.filter(({ startedMs }) => startedMs > knownMs.suspect + 1 && startedMs < thawedMs);
      assert.ok(after.length > 20, `${after.length} calls`);
      for (const { attempts, error } of after) {
        assert.equal(error, undefined);
        assert.ok(attempts.every((attempt) => attempt.address !== address));
      }
      assert.ok(lines.some((line) => line.startsWith(`${address} has said nothing for`)));
      assert.ok(lines.some((line) => line.startsWith(`${address} answers again after`)));
    } finally {
      load.cancel();
      victim.kill("SIGCONT");
    }
  } finally {
    await transport.close({ timeoutMs: 0 });
    await processes.close();
  }
});
