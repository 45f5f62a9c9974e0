import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { type ProbeOptions, probe } from "../../src/index.ts";
import { startConnectEcho } from "../support/echo-server.ts";
import { type PeerConnection, startFramePeer } from "../support/frame-peer.ts";
import { checkForLeaks } from "../support/leaks.ts";

checkForLeaks();

const baseUrl = "http://echo.test";

test("a probe dials by address, by name and by path, and tells every step", async () => {
  const folder = mkdtempSync(join(tmpdir(), "glink-probe-"));
  const [backend, peer] = await Promise.all([startConnectEcho(), startFramePeer({ path: join(folder, "socket") })]);
  const { port } = backend;
  for (const address of [backend.address, { host: "localhost", port }, peer.address]) {
    const report = await probe(address, { baseUrl, pings: 2 });
    assert.equal(report.failure, undefined);
    assert.equal(report.pingMs.length, 2);
    assert.ok((report.connectMs ?? -1) >= 0 && (report.settingsMs ?? -1) >= 0);
    assert.deepEqual([report.tlsMs, report.certificate], [undefined, undefined]);
    assert.equal(report.limits?.maxConcurrentStreams, Number.POSITIVE_INFINITY);
  }
  await Promise.all([backend.close(), peer.close()]);
  rmSync(folder, { recursive: true, force: true });
});

test("a dial that fails is reported with how far it got, and thrown is what the caller did wrong", async () => {
  const peer = await startFramePeer({ settings: false });
  const { failure, connectMs } = await probe(peer.address, { baseUrl, connectTimeoutMs: 50 });
  await peer.close();
  assert.deepEqual([failure?.stage, failure?.kind, failure?.bytesRead], ["settings", "connect-timeout", 0]);
  assert.ok(connectMs !== undefined);
  const wrong: readonly [address: string, options: ProbeOptions, message: RegExp][] = [
    ["echo.test", { baseUrl }, /has no port/],
    ["127.0.0.1:1", { baseUrl: "echo.test:1" }, /^baseUrl/],
    ["127.0.0.1:1", { baseUrl, connectTimeoutMs: 0 }, /^connectTimeoutMs must be a number from 1/],
    ["127.0.0.1:1", { baseUrl, pings: 1.5 }, /^pings must be an integer from 0 to 1000/],
    ["127.0.0.1:1", { baseUrl, tls: "ca" as never }, /^tls must be an object/],
  ];
  for (const [address, options, message] of wrong) await assert.rejects(probe(address, options), { message });
});

test("a server that goes away as soon as it has said hello is reported at once, with its reason", async () => {
  const goaways = [
    [11, /GOAWAY ENHANCE_YOUR_CALM \(0xb\): too many of you/],
    [0, /GOAWAY NO_ERROR \(0x0\): too many of you/],
  ] as const;
  for (const [code, message] of goaways) {
    // In one packet: nobody is between the two.
    const onConnection = (connection: PeerConnection) => {
      connection.socket.cork();
      connection.settings([]);
      connection.goaway(0, code, "too many of you");
      connection.socket.uncork();
    };
    const peer = await startFramePeer({ settings: false, answersPings: false, onConnection });
    const { failure, settingsMs, pingMs } = await probe(peer.address, { baseUrl, connectTimeoutMs: 2_000 });
    await peer.close();
    assert.match(failure?.message ?? "none", message);
    assert.deepEqual([failure?.stage, failure?.kind, pingMs], ["ping", "goaway", []]);
    assert.ok(settingsMs !== undefined);
  }
});
