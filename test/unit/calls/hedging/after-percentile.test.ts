import assert from "node:assert/strict";
import { test } from "node:test";
import { checkForLeaks } from "../../../support/leaks.ts";
import { until } from "../../../support/load.ts";
import { answer, errorOf, staySilent, withBench } from "../scripted-server.ts";

checkForLeaks();

test("after a percentile nothing is hedged before the method is known; then a slow call is, and it does not raise the percentile", () =>
  withBench(
    {
      backends: 2,
      script: (call) => (call.headers["x-slow"] === "1" && slow-- > 0 ? staySilent : answer("ok"))(call),
      options: { hedging: { delayMs: "p95" }, retry: { budget: false } },
    },
    async ({ client, clock, fleet }) => {
      const headers = { "x-slow": "1" };
      slow = 1;
      const unknown = errorOf(client.unaryIdempotent({}, { headers, timeoutMs: 5_000 }));
      await until("it is sent", () => fleet.calls.length === 1);
      await clock.advance(5_000);
      await unknown;
      assert.equal(fleet.calls.length, 1, "too little is known");
      for (let i = 0; i < 110; i++) await client.unaryIdempotent({});
      for (let i = 0; i < 3; i++) {
        const before: number = fleet.calls.length;
        slow = 1;
        const answered = client.unaryIdempotent({}, { headers });
        await until("it is sent", () => fleet.calls.length === before + 1);
        // The lowest that an estimate can be is 0.05 ms: time stands still for the calls that are answered.
        await clock.advance(0.06);
        assert.equal((await answered).text, "ok");
        assert.equal(fleet.calls.length, before + 2);
      }
    },
  ));

/** How many of the slow calls to come are not answered. */
let slow = 0;
