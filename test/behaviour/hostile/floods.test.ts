// Floods as fast as a socket takes them, against the wire engine in a process that may have 256 MB: M01 to M15 of the
// reliability catalogue. Their exact limits, on a clock that stands still, are in test/unit/http2/wire/floods.test.ts.
import assert from "node:assert/strict";
import { after, before, describe, it, type TestContext } from "node:test";
import { type EchoBackend, startConnectEcho } from "../../support/echo-server.ts";
import { checkForLeaks } from "../../support/leaks.ts";
import { floods, type NamedFlood } from "./floods.ts";
import { HostilePeer } from "./hostile-peer.ts";
import { LimitedProcess } from "./limited-process.ts";
import type { FromClient, ToClient } from "./messages.ts";

checkForLeaks();

const enhanceYourCalm = 11;
const megabyte = 2 ** 20;

describe("a peer that floods", () => {
  let good: EchoBackend;
  let client: LimitedProcess<ToClient, FromClient>;

  before(async () => {
    good = await startConnectEcho();
    client = new LimitedProcess(new URL("client.ts", import.meta.url));
    await client.next("listening");
  });

  after(async () => {
    await client.kill();
    await good.close();
  });

  async function run(t: TestContext, flood: NamedFlood): Promise<void> {
    const peer = await HostilePeer.start(flood);
    try {
      const reported = client.next("report");
      client.send({ type: "start", hostile: peer.address, good: good.address });
      const outcome = await Promise.race([peer.outcome, reported.then(() => assert.fail("no flood"))]);
      client.send({ type: "stop" });
      const report = await reported;
      t.diagnostic(
        [
          `GOAWAY after ${outcome.goawayAfterMs?.toFixed(0)} ms, end after ${outcome.endedAfterMs.toFixed(0)} ms`,
          `${outcome.units} units and ${(outcome.bytes / megabyte).toFixed(1)} MB taken`,
          `RSS +${(report.peakGrowthBytes / megabyte).toFixed(1)} MB at its peak`,
          `${(report.retainedBytes / 1_024).toFixed(0)} KB kept`,
          `event loop ${report.longestDelayMs.toFixed(0)} ms`,
          `${report.answered} answered, ${report.failureCount} failed: ${Object.keys(report.failures)}`,
        ].join("; "),
      );
      // The end is due after 1 s at most. A machine with other work to do gets more.
      assert.ok(outcome.endedAfterMs < 5_000, `it ended ${outcome.endedAfterMs} ms after its limit`);
      if (outcome.goawayCode !== undefined) {
        assert.equal(outcome.goawayCode, flood.goawayCode ?? enhanceYourCalm);
      }
      const { alone = [], message } = flood;
      assert.match(report.failures.Unavailable ?? "", message);
      const others = Object.keys(report.failures).filter((code) => code !== "Unavailable" && !alone.includes(code));
      assert.deepEqual(others, [], JSON.stringify(report.failures));
      // Unavailable is retried on the other backend.
      const afterRetries = Object.keys(report.afterRetries).filter((code) => !alone.includes(code));
      assert.deepEqual(afterRetries, [], JSON.stringify(report.afterRetries));
      assert.deepEqual(report.bystanders, []);
      assert.ok(report.answered > 0);
      assert.equal(report.openCalls, 0);
      assert.ok(report.peakGrowthBytes < 20 * megabyte, `the resident set grew by ${report.peakGrowthBytes} bytes`);
      assert.ok(report.retainedBytes < 2 * megabyte, `${report.retainedBytes} bytes are kept`);
    } finally {
      await peer.close();
    }
  }

  for (const flood of floods) {
    it(`with ${flood.what} loses its connection, and nobody else anything (${flood.id})`, (t) => run(t, flood));
  }

  it("leaves no trace: the client ends by itself and has printed nothing", async () => {
    client.send({ type: "leave" });
    assert.deepEqual(await client.end, { code: 0, signal: null, output: "" });
  });
});
