// Three backends under 300 calls/s, one SIGKILLed and restarted (user-demand scenarios 7 and 24, reliability S02).
// Both transports live through the same kill.
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { Code } from "@connectrpc/connect";
import { staticResolver } from "../../../src/index.ts";
import { checkForLeaks } from "../../support/leaks.ts";
import { assertExecutionsPermitted, Load, until } from "../../support/load.ts";
import { type BackendProcess, type ScriptResult, TestProcesses } from "../../support/processes.ts";
import { glinkTransport } from "../../support/transport.ts";

checkForLeaks();

describe("one of three backends is killed under load, and comes back", () => {
  const processes = new TestProcesses();
  let backends: BackendProcess[];
  let victim: string;
  let retrying: Load;
  let single: Load;
  let script: ScriptResult;
  /** When the kill was sent, when this process had surely noticed, and when the new process was about to listen. */
  let killedMs: number;
  let noticedMs: number;
  let restartedMs: number;

  before(async () => {
    backends = await processes.backends(3);
    const addresses = backends.map(({ address }) => address);
    const clientScript = processes.script(new URL("../../support/client-script.ts", import.meta.url), { addresses });
    const options = { baseUrl: "http://echo.test", resolver: staticResolver(addresses) };
    const transports = [glinkTransport(options), glinkTransport({ ...options, retry: false })] as const;
    try {
      await Promise.all(transports.map((transport) => transport.ready({ timeoutMs: 10_000 })));
      // 100 ms on the server: of 150 calls/s each, about five are open on the victim at any time.
      retrying = new Load(transports[0], { callsPerSecond: 150, delayMs: 100 });
      single = new Load(transports[1], { callsPerSecond: 150, delayMs: 100 });
      await until("all backends answer", () =>
        [retrying, single].every((load) => load.answersSince(0).size === 3 && load.results.length > 100),
      );
      // A grpc-js server. A connect-node server under load sends many messages before the first status; calls caught in
      // between have their answer, and are not repeated.
      victim = backends[1]!.address;
      killedMs = performance.now();
      backends[1]!.kill("SIGKILL");
      await backends[1]!.exited;
      await until("both transports know", () =>
        transports.every((transport) =>
          transport.snapshot().subchannels.some(({ address, state }) => address === victim && state !== "ready"),
        ),
      );
      noticedMs = performance.now();
      await until(
        "100 more calls each",
        () => [retrying, single].every(({ results }) => results.filter((r) => r.startedMs > noticedMs).length > 100),
        () => transports.map((transport) => transport.snapshot()),
      );
      restartedMs = performance.now();
      backends[1] = await backends[1]!.restart();
      await until("the restarted backend answers both", () =>
        [retrying, single].every((load) => load.answersSince(restartedMs).has(victim)),
      );
      clientScript.stop();
      [script] = await Promise.all([clientScript.result, retrying.stop(), single.stop()]);
    } catch (error) {
      // Node 20 runs no after hook when a before hook failed.
      await processes.close();
      throw error;
    } finally {
      retrying?.cancel();
      single?.cancel();
      await Promise.all(transports.map((transport) => transport.close()));
    }
  });

  after(() => processes.close());

  test("with default options not one unary call fails", () => {
    assert.deepEqual(retrying.failures, []);
    const repeated = retrying.results.filter(({ attempts }) => attempts.length > 1);
    assert.ok(repeated.length > 0, "calls were open on the victim when it died, and went elsewhere");
    for (const { attempts, backend } of repeated) {
      assert.equal(attempts[0]?.address, victim);
      assert.notEqual(backend, victim, "the next attempt goes to another backend");
    }
  });

  test("with retry: false only calls in flight on the victim fail, all as Unavailable", () => {
    const failed = single.results.filter(({ error }) => error !== undefined);
    assert.ok(failed.length > 0, "calls were open on the victim when it died");
    for (const { error, attempts, startedMs, endedMs } of failed) {
      assert.equal(error?.code, Code.Unavailable);
      assert.match(error.message, new RegExp(victim));
      assert.equal(attempts.at(-1)?.address, victim);
      assert.ok(startedMs <= noticedMs && endedMs >= killedMs, "it was open when the victim died");
    }
  });

  test("no call is sent to the victim between its death and its return", () => {
    for (const { results } of [retrying, single]) {
      const meanwhile = results.filter(({ startedMs }) => startedMs > noticedMs && startedMs < restartedMs);
      assert.ok(meanwhile.length > 50);
      for (const { attempts } of meanwhile) assert.ok(attempts.every(({ address }) => address !== victim));
    }
  });

  test("a client process without a single error handler outlives the kill, prints nothing of its own, and exits", () => {
    assert.deepEqual([script.code, script.signal, script.stderr], [0, null, ""]);
    const { calls, failures } = JSON.parse(script.stdout) as { calls: number; failures: string[] };
    assert.ok(calls > 50);
    assert.deepEqual(failures, []);
  });

  test("no handler runs more often than attempts were sent to it", () =>
    assertExecutionsPermitted(backends, [retrying, single]));

  test("handlers run once per call, and once more at most for a call that the victim took with it", () => {
    for (const { attempts, error } of [retrying, single].flatMap(({ results }) => results)) {
      const mayHaveRun = attempts.filter(({ progress }) => progress === undefined || progress === "unknown");
      assert.ok(mayHaveRun.length <= 2);
      if (error !== undefined || mayHaveRun.length === 2) assert.equal(mayHaveRun[0]?.address, victim);
    }
  });
});
