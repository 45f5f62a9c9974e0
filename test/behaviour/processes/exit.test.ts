// What keeps a process alive, and what does not (user-demand scenario 30, reliability P01 and P02). Each script is a
// whole program: nothing in it calls process.exit.
import assert from "node:assert/strict";
import type { AddressInfo } from "node:net";
import { createServer, type Server } from "node:net";
import { after, before, describe, test } from "node:test";
import { ca, serverIdentity } from "../../support/certificates.ts";
import { type ConnectEchoBackend, startConnectEcho } from "../../support/echo-server.ts";
import { checkForLeaks } from "../../support/leaks.ts";
import { runScript } from "../../support/processes.ts";

checkForLeaks();

describe("the life of a process with a transport", { concurrency: 2 }, () => {
  let backend: ConnectEchoBackend;
  let tlsBackend: ConnectEchoBackend;
  /** Accepts connections and says nothing. */
  let silent: Server;
  let silentAddress: string;

  before(async () => {
    backend = await startConnectEcho();
    tlsBackend = await startConnectEcho({ tls: serverIdentity });
    silent = createServer((socket) => socket.on("error", () => undefined).resume()).listen(0, "127.0.0.1");
    await new Promise((resolve) => silent.once("listening", resolve));
    silentAddress = `127.0.0.1:${(silent.address() as AddressInfo).port}`;
  });

  after(async () => {
    await backend.close();
    await tlsBackend.close();
    await new Promise((resolve) => silent.close(resolve));
  });

  const program = (baseUrl: string, body: string, options = "") => `
    import { createClient } from "@connectrpc/connect";
    import { EchoService } from "./proto/gen/glink/demo/v1/echo_pb.js";
    import { dnsResolver, staticResolver } from "./src/index.js";
    import { glinkTransport } from "./test/support/transport.js";
    const transport = glinkTransport({ baseUrl: "${baseUrl}", ${options} });
    const client = createClient(EchoService, transport);
    let doneMs = performance.now();
    const say = (text) => { console.log(text); doneMs = performance.now(); };
    process.on("exit", () => console.log(Math.round(performance.now() - doneMs)));
    ${body}
  `;

  /**
   * Runs the program; resolves with what it said. Fails if it lingered after its last word: what might hold it would do so for
   * a timeout of 20 s or more, and exiting takes a busy machine more than a second.
   */
  async function said(source: string): Promise<string[]> {
    const { code, signal, stdout, stderr } = await runScript(source);
    assert.deepEqual([code, signal, stderr], [0, null, ""], stdout);
    const lines = stdout.trim().split("\n");
    const lingeredMs = Number(lines.pop());
    assert.ok(lingeredMs <= 5_000, `the process lingered for ${lingeredMs} ms`);
    return lines;
  }

  test("a script that makes one call exits by itself", async () => {
    const source = program(`http://${backend.address}`, `say((await client.unary({ text: "hello" })).text);`);
    assert.deepEqual(await said(source), ["hello"]);
  });

  test("so does one that speaks TLS", async () => {
    const source = program(
      "https://svc.test",
      `say((await client.unary({ text: "hello" })).text);`,
      `resolver: staticResolver(["${tlsBackend.address}"]), nodeOptions: { ca: ${JSON.stringify(ca)} }`,
    );
    assert.deepEqual(await said(source), ["hello"]);
  });

  test("so does one that resolved a name, read a stream, and shares its load with a backend that is down", async () => {
    const source = program(
      `http://localhost:${backend.port}`,
      `await client.unary({ text: "hello" });
       for await (const { index } of client.serverStream({ count: 3 })) say(index);`,
      `resolver: staticResolver(["${backend.address}", "127.0.0.1:1"])`,
    );
    assert.deepEqual(await said(source), ["0", "1", "2"]);
  });

  test("so does one whose name was looked up by the operating system", async () => {
    const source = program(`http://localhost:${backend.port}`, `say((await client.unary({ text: "hello" })).text);`);
    assert.deepEqual(await said(source), ["hello"]);
  });

  test("a call that nobody awaits is finished before the process exits", async () => {
    const source = program(
      `http://${backend.address}`,
      `client.unary({ text: "late", behavior: { delayMs: 700 } }).then(({ text }) => say(text));`,
    );
    assert.deepEqual(await said(source), ["late"]);
  });

  test("a call that waits for a connection, or for its next attempt, keeps the process alive until its end", async () => {
    const queued = program(
      `http://${silentAddress}`,
      `client.unary({}, { timeoutMs: 600 }).catch((error) => say(error.code));`,
    );
    const refused = program(
      "http://127.0.0.1:1",
      `client.unary({}).catch((error) => say(error.code));`,
      "retry: { maxAttempts: 2, initialBackoffMs: 500 }",
    );
    assert.deepEqual(await Promise.all([said(queued), said(refused)]), [["4"], ["14"]]);
  });

  test("a dial that waits for TLS, or for SETTINGS, does not hold a process whose calls are over", async () => {
    const script = (scheme: string) =>
      program(
        `${scheme}://${silentAddress}`,
        `client.unary({}, { timeoutMs: 300 }).catch((error) => say(error.code));`,
        "connectTimeoutMs: 60_000",
      );
    assert.deepEqual(await Promise.all([said(script("http")), said(script("https"))]), [["4"], ["4"]]);
  });

  test("a transport that is never used does not hold the process", async () => {
    assert.deepEqual(await said(program(`http://${backend.address}`, `say("unused");`)), ["unused"]);
  });

  test("a transport that is ready and has no call does not hold the process", async () => {
    const source = program(`http://${backend.address}`, `await transport.ready(); say("ready");`);
    assert.deepEqual(await said(source), ["ready"]);
  });

  test("ready() keeps the process alive until it settles, and not longer", async () => {
    const late = program(`http://${silentAddress}`, `transport.ready({ timeoutMs: 600 }).catch((e) => say(e.code));`);
    assert.deepEqual(await said(late), ["4"]);
  });

  test("after close() no handle is left", async () => {
    const source = program(
      `http://localhost:${backend.port}`,
      `await client.unary({ text: "hello" });
       await transport.close();
       say(JSON.stringify(process.getActiveResourcesInfo().filter((name) => !/Pipe|TTY|FS|CloseReq/.test(name))));`,
      `resolver: staticResolver(["${backend.address}", "${silentAddress}"])`,
    );
    assert.deepEqual(await said(source), ["[]"]);
  });
});
