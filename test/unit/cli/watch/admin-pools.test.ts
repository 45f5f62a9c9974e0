import assert from "node:assert/strict";
import { createServer, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { type TestContext, test } from "node:test";
import { Output } from "../../../../src/cli/output.ts";
import { adminPools } from "../../../../src/cli/watch/admin-pools.ts";
import type { PoolView } from "../../../../src/cli/watch/pool-view.ts";
import { Rates } from "../../../../src/cli/watch/rates.ts";
import { frame } from "../../../../src/cli/watch/table.ts";
import { systemClock } from "../../../../src/runtime/clock.ts";
import { KeptText } from "../../../support/command-line.ts";
import { hostileTexts } from "../../../support/hostile-texts.ts";
import { checkForLeaks } from "../../../support/leaks.ts";
import { until } from "../../../support/load.ts";

checkForLeaks();

/** What is made of a page that answers so. */
async function watching(t: TestContext, answer: (response: ServerResponse) => void) {
  const server = createServer((_, response) => {
    response.setHeader("content-type", "text/event-stream");
    answer(response);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const pools: (readonly PoolView[])[] = [];
  const troubles: string[] = [];
  const page = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
  const feed = adminPools(page, systemClock(), {
    onPools: (all) => pools.push(all),
    onTrouble: (reason) => troubles.push(reason),
  });
  t.after(async () => {
    await feed.close();
    await new Promise((resolve) => server.close(resolve).closeAllConnections());
  });
  return { pools, troubles };
}

const event = (snapshots: readonly object[]) => `event: snapshots\ndata: ${JSON.stringify({ snapshots })}\n\n`;

test("events that are cut anywhere, also between the two line breaks of their end, are read", async (t) => {
  const bytes = Buffer.from(`: hello\n\n${event([{ target: "ä", subchannels: [] }])}${event([])}`);
  const { pools, troubles } = await watching(t, async (response) => {
    for (const byte of bytes) {
      response.write(Buffer.from([byte]));
      await new Promise((resolve) => setImmediate(resolve));
    }
  });
  await until("both events have come", () => pools.length === 2 || troubles.length > 0);
  assert.deepEqual(
    pools.map((all) => all.map(({ target }) => target)),
    [["ä"], []],
  );
});

test("whatever another process calls its backends and their states, the table shows as text", async (t) => {
  const names = [...hostileTexts, "constructor", "__proto__", "hasOwnProperty", "toString"];
  const { pools, troubles } = await watching(t, (response) => {
    for (const text of names) {
      const error = { lastError: { message: text } };
      const backend = { address: text, state: text, availability: text, ...error };
      const pool = { target: text, state: text, loadBalancing: text, protocol: text, ...error };
      response.write(event([JSON.parse(`{"__proto__":{"polluted":1},${JSON.stringify(pool).slice(1)}`)]));
      response.write(event([{ ...pool, subchannels: [backend, { ...backend, state: "ready" }] }]));
    }
  });
  await until("all events have come", () => pools.length === 2 * names.length || troubles.length > 0);
  assert.deepEqual(troubles, []);
  for (const all of pools) {
    const stdout = new KeptText();
    for (const line of frame(
      { title: "t", pools: all, rates: new Rates(), trouble: undefined },
      new Output(stdout, stdout, {}),
    )) {
      assert.doesNotMatch(line, /[\p{Cc}\p{Cs}\p{Bidi_C}\u2028\u2029]|\[native code\]/u);
    }
  }
  assert.equal(({} as { polluted?: unknown }).polluted, undefined);
});
