import assert from "node:assert/strict";
import { once } from "node:events";
import { test } from "node:test";
import { startConnectEcho } from "../../support/echo-server.ts";
import { checkForLeaks } from "../../support/leaks.ts";
import { startModule } from "../../support/processes.ts";

checkForLeaks();

/** Runs a script as a user would write it, without error handlers and without close(). */
async function run(address: string, body: string): Promise<{ output: string; code: number; idleMs: number }> {
  const script = `
    import { createClient } from "@connectrpc/connect";
    import { EchoService } from "./proto/gen/glink/demo/v1/echo_pb.js";
    import { glinkTransport } from "./test/support/transport.js";
    const transport = glinkTransport({ baseUrl: "http://${address}" });
    const client = createClient(EchoService, transport);
    ${body}
    console.log("done");
  `;
  const child = startModule(script);
  let output = "";
  let doneMs = 0;
  child.stdout.on("data", (chunk) => {
    output += chunk;
    if (output.includes("done")) doneMs = performance.now();
  });
  child.stderr.on("data", (chunk) => {
    output += chunk;
  });
  const [code] = await once(child, "close");
  return { output, code, idleMs: performance.now() - doneMs };
}

test("a script that makes one call of each kind ends by itself, soon, and prints nothing of its own", async () => {
  const backend = await startConnectEcho();
  try {
    const { output, code, idleMs } = await run(
      backend.address,
      `await client.unary({ text: "x" }, { timeoutMs: 60000 });
       for await (const _ of client.serverStream({ count: 3 })) {}
       await client.clientStream((async function* () { yield {}; })());
       for await (const _ of client.bidi((async function* () { yield {}; })())) {}`,
    );
    assert.equal(output, "done\n");
    assert.equal(code, 0);
    // 1 s where nothing else runs; the machine may be busy.
    assert.ok(idleMs < 5_000, `it stayed for ${idleMs} ms`);
    assert.equal(backend.counters.executions, 4);
  } finally {
    await backend.close();
  }
});

test("a call that waits keeps the process alive until it is answered", async () => {
  const backend = await startConnectEcho();
  try {
    const { output, code } = await run(
      backend.address,
      `const { text } = await client.unary({ text: "late", behavior: { delayMs: 700 } });
       console.log(text);`,
    );
    assert.equal(output, "late\ndone\n");
    assert.equal(code, 0);
  } finally {
    await backend.close();
  }
});
