import assert from "node:assert/strict";
import type { ChildProcess } from "node:child_process";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { createClient } from "@connectrpc/connect";
import { messageOf, Processes } from "../../../demo/processes.ts";
import { EchoService } from "../../../proto/gen/glink/demo/v1/echo_pb.js";
import { checkForLeaks } from "../../support/leaks.ts";
import { noSignals } from "../../support/platform.ts";
import { glinkTransport } from "../../support/transport.ts";
import { ListResolver } from "../integration/pool-harness.ts";
import type { FromWideServer } from "./wide-server.ts";

checkForLeaks();

/** Keeps this process from doing anything else. */
function stall(ms: number): void {
  const untilMs = performance.now() + ms;
  while (performance.now() < untilMs);
}

async function requestsTo(server: ChildProcess): Promise<number> {
  const answer = messageOf<FromWideServer, "requests">(server, "requests");
  server.send("count");
  return (await answer).count;
}

test("calls that wait behind an upload run once, though their backend leaves, and takes data again in that moment", {
  skip: noSignals,
}, async () => {
  const processes = new Processes();
  const servers = [1, 2].map(() => processes.start(new URL("wide-server.ts", import.meta.url), undefined));
  const [elder, younger] = servers as [ChildProcess, ChildProcess];
  const listening = await Promise.all(servers.map((one) => messageOf<FromWideServer, "listening">(one, "listening")));
  const [first = "", second = ""] = listening.map(({ port }) => `127.0.0.1:${port}`);
  const resolver = new ListResolver([first]);
  const transport = glinkTransport({ baseUrl: "http://echo.test", resolver, retry: false });
  const client = createClient(EchoService, transport);
  const upload = new AbortController();
  async function* messages() {
    // More than a socket takes.
    for (let i = 0; i < 20; i++) yield { payload: new Uint8Array(1_000_000) };
    await new Promise((resolve) => upload.signal.addEventListener("abort", resolve));
  }
  try {
    await client.unary({});
    elder.kill("SIGSTOP");
    client.clientStream(messages(), { signal: upload.signal }).catch(() => undefined);
    await sleep(200);
    const calls = Array.from({ length: 3 }, () => client.unary({}, { timeoutMs: 10_000 }));
    await sleep(100);
    let resumed = false;
    transport.subscribe((event) => {
      if (event.type !== "attempt-failed" || resumed) return;
      // A call was given back. Whatever of it can still leave does so as soon as this process looks at its sockets.
      resumed = true;
      elder.kill("SIGCONT");
      stall(500);
    });
    resolver.set(second);
    await sleep(200);
    // The other engine has handed the calls to the socket: there the elder runs them.
    elder.kill("SIGCONT");
    await Promise.all(calls);
    const requests = (await requestsTo(elder)) + (await requestsTo(younger));
    assert.equal(requests, 5, "one, the upload, and three calls");
  } finally {
    elder.kill("SIGCONT");
    upload.abort();
    await transport.close({ timeoutMs: 0 });
    await processes.close();
  }
});
