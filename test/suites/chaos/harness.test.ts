import assert from "node:assert/strict";
import { test } from "node:test";
import { Processes } from "../../../demo/processes.ts";
import { checkForLeaks } from "../../support/leaks.ts";
import { ClientProcess } from "./client-process.ts";
import { within } from "./within.ts";

checkForLeaks();

test("a client that dies says how, and with what last words; who waits for its word hears it too", async () => {
  const processes = new Processes();
  try {
    const place = { addresses: [], port: 0, dnsServer: "", proxyUrl: "" };
    const client = new ClientProcess(processes, { planPath: "/there/is/no/plan.json", place });
    await assert.rejects(client.hear("ready"), /ended with 1 before it said "ready"/);
    const { code, stderr } = await client.ended;
    assert.equal(code, 1);
    assert.match(stderr, /no such file or directory.*\/there\/is\/no\/plan\.json/);
    client.tell("begin");
  } finally {
    await processes.close();
  }
});

test("a wait that does not end is an error that names what was waited for", async () => {
  await assert.rejects(within(1, "backend 3 (grpc-go) to end", new Promise(() => undefined)), {
    message: "backend 3 (grpc-go) to end: not within 1 ms",
  });
  assert.equal(await within(60_000, "what is there", Promise.resolve("there")), "there");
});
