import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer } from "node:net";
import { test } from "node:test";
import { createClient } from "@connectrpc/connect";
import { EchoService } from "../../../proto/gen/glink/demo/v1/echo_pb.js";
import type { GlinkEvent } from "../../../src/index.ts";
import { startConnectEcho } from "../../support/echo-server.ts";
import { checkForLeaks } from "../../support/leaks.ts";
import { freePort } from "../../support/programs.ts";
import { glinkTransport } from "../../support/transport.ts";

/*
 * "Use the pod port" helps whoever sets a client up, and misleads whoever is woken because the servers died.
 */

checkForLeaks();

const reconnectBackoff = { initialBackoffMs: 1, maxBackoffMs: 1 };

test("a port that never worked is met with advice, and a hint", async () => {
  const baseUrl = `http://127.0.0.1:${await freePort()}`;
  const transport = glinkTransport({ baseUrl, retry: false, reconnectBackoff });
  const hints: GlinkEvent[] = [];
  transport.subscribe((event) => event.type === "hint" && hints.push(event));
  try {
    await assert.rejects(
      createClient(EchoService, transport).unary({}),
      /every address refuses: is the server up, and is this its port\?/,
    );
    assert.deepEqual(
      hints.map((hint) => "message" in hint && /is the server up/.test(hint.message)),
      [true],
    );
  } finally {
    await transport.close();
  }
});

test("servers that worked and died are no wrong port: neither errors nor hints advise to check it", async () => {
  const backend = await startConnectEcho();
  const transport = glinkTransport({ baseUrl: `http://${backend.address}`, retry: false, reconnectBackoff });
  const client = createClient(EchoService, transport);
  const hints: GlinkEvent[] = [];
  transport.subscribe((event) => event.type === "hint" && hints.push(event));
  const texts = new Set<string>();
  /** Calls until an error is like this. */
  const failsWith = async (pattern: RegExp) => {
    for (let text = ""; !pattern.test(text); ) {
      text = await client.unary({}).then(() => "it succeeded", String);
      texts.add(text);
      await new Promise(setImmediate);
    }
  };
  // Accepts where the backend was, and hangs up.
  const rude = createServer((socket) => socket.destroy());
  try {
    for (let i = 0; i < 100; i++) await client.unary({});
    const port = Number(backend.address.split(":")[1]);
    await backend.close();
    await failsWith(/no backend of 127\.0\.0\.1 is reachable; .*ECONNREFUSED/);
    rude.listen(port, "127.0.0.1");
    await once(rude, "listening");
    await failsWith(/the connection ended before the peer sent its SETTINGS: /);
    for (const text of texts) assert.doesNotMatch(text, /pod port|its port|is this an HTTP/);
    assert.deepEqual(hints, []);
  } finally {
    await transport.close();
    await new Promise((resolve) => rude.close(resolve));
  }
});
