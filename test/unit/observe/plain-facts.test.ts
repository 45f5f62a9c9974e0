import assert from "node:assert/strict";
import { test } from "node:test";
import { createClient } from "@connectrpc/connect";
import { EchoService } from "../../../proto/gen/glink/demo/v1/echo_pb.js";
import { type GlinkEvent, type Logger, staticResolver } from "../../../src/index.ts";
import { ca, wrongNameIdentity } from "../../support/certificates.ts";
import { startConnectEcho } from "../../support/echo-server.ts";
import { checkForLeaks } from "../../support/leaks.ts";
import { glinkTransport } from "../../support/transport.ts";
import { errorOf } from "../calls/scripted-server.ts";

/*
 * Snapshots, events and log fields end in JSON. Errors of TLS hold a certificate whose issuer is itself, and others a
 * socket.
 */

checkForLeaks();

test("a TLS name mismatch is plain data in snapshots, events and log fields, and the caller has Node's own error", async () => {
  const backend = await startConnectEcho({ tls: wrongNameIdentity });
  const events: GlinkEvent[] = [];
  const lines: unknown[] = [];
  const log = (fields: unknown) => lines.push(fields);
  const logger: Logger = { debug: log, info: log, warn: log, error: log };
  const transport = glinkTransport({
    baseUrl: "https://echo.test",
    resolver: staticResolver([backend.address]),
    nodeOptions: { ca },
    retry: false,
    logger,
  });
  transport.subscribe((event) => events.push(event));
  try {
    const error = await errorOf(createClient(EchoService, transport).unary({}));
    assert.ok(error.cause instanceof Error && "cert" in error.cause);
    assert.throws(() => JSON.stringify({ ...(error.cause as Error) }), /circular/);
    const cause = { name: "Error", code: "ERR_TLS_CERT_ALTNAME_INVALID", message: error.cause.message };
    const snapshot = transport.snapshot();
    assert.deepEqual(JSON.parse(JSON.stringify(snapshot)).lastError.cause, cause);
    assert.deepEqual(JSON.parse(JSON.stringify(snapshot)).subchannels[0].lastError.cause, cause);
    const told = (type: GlinkEvent["type"]) =>
      (JSON.parse(JSON.stringify(events)) as { type: string; error?: { cause?: unknown } }[]).find(
        (event) => event.type === type && event.error !== undefined,
      )?.error?.cause;
    assert.deepEqual(told("subchannel-state"), cause);
    assert.deepEqual(told("attempt-failed"), cause);
    assert.equal(JSON.parse(JSON.stringify(lines)).length, lines.length);
  } finally {
    await transport.close();
    await backend.close();
  }
});

const circular: Record<string, unknown> = {};
circular.self = circular;
const { proxy: revoked, revoke } = Proxy.revocable({}, {});
revoke();

for (const [name, thrown, expected] of [
  ["an error that holds itself", Object.assign(new Error("oops"), { circular }), { name: "Error", message: "oops" }],
  ["a text", "oops", { name: "string", message: "oops" }],
  ["nothing", undefined, { name: "undefined", message: "undefined" }],
  ["what has no text", Object.create(null), { name: "object", message: "a value that has no text" }],
  ["a Proxy that was revoked", revoked, { name: "object", message: "a value that has no text" }],
] as const) {
  test(`user code that throws ${name} is plain data in its event`, () => {
    const transport = glinkTransport({ baseUrl: "http://echo.test" });
    const heard: GlinkEvent[] = [];
    transport.subscribe(() => {
      throw thrown;
    });
    transport.subscribe((event) => heard.push(event));
    return transport.close().then(() => {
      const report = heard.find((event) => event.type === "user-code-failed");
      const { stack, ...error } = report?.error ?? {};
      assert.deepEqual(JSON.parse(JSON.stringify(error)), expected);
      assert.equal(typeof stack, expected.name === "Error" ? "string" : "undefined");
    });
  });
}
