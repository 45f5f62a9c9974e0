// What watches an API server, or Consul, keeps no process alive. Each script is a whole program: nothing in it calls process.exit.
import assert from "node:assert/strict";
import type { AddressInfo } from "node:net";
import { createServer, type Server } from "node:net";
import { after, before, describe, test } from "node:test";
import { startBlackHole } from "../../support/black-hole.ts";
import { apiServerIdentity } from "../../support/certificates.ts";
import { type ConnectEchoBackend, startConnectEcho } from "../../support/echo-server.ts";
import { checkForLeaks } from "../../support/leaks.ts";
import { noFullQueues } from "../../support/platform.ts";
import { runScript } from "../../support/processes.ts";
import { ScriptedApiServer } from "../../support/scripted-api-server.ts";
import { readyEndpoint, slice } from "../../support/slices.ts";

checkForLeaks();

describe("the life of a process that watches EndpointSlices, or Consul", { concurrency: 2 }, () => {
  let backend: ConnectEchoBackend;
  const api = new ScriptedApiServer({ ...apiServerIdentity });
  /** Accepts connections and says nothing. */
  let silent: Server;

  before(async () => {
    backend = await startConnectEcho();
    await api.listen();
    api.put(slice("a", [readyEndpoint("127.0.0.1")]));
    silent = createServer((socket) => socket.on("error", () => undefined).resume()).listen(0, "127.0.0.1");
    await new Promise((resolve) => silent.once("listening", resolve));
  });

  after(async () => {
    await backend.close();
    await api.close();
    await new Promise((resolve) => silent.close(resolve));
  });

  /**
   * Runs a program with one transport; resolves with what it said, if it ended after that: what might hold it would do so for
   * a timeout of 10 s or more, and exiting takes a busy machine more than a second.
   */
  async function said(resolver: string, body: string): Promise<string> {
    const { code, signal, stdout, stderr } = await runScript(`
      import { createClient } from "@connectrpc/connect";
      import { EchoService } from "./proto/gen/glink/demo/v1/echo_pb.js";
      import { consulResolver } from "./src/consul/index.js";
      import { kubernetesResolver } from "./src/kubernetes/index.js";
      import { glinkTransport } from "./test/support/transport.js";
      const transport = glinkTransport({
        baseUrl: "http://echo.shop.svc.cluster.local:${backend.port}",
        resolver: ${resolver},
      });
      const client = createClient(EchoService, transport);
      let doneMs = 0;
      const say = (text) => { console.log(text); doneMs = performance.now(); };
      process.on("exit", () => console.log(Math.round(performance.now() - doneMs)));
      ${body}
    `);
    assert.deepEqual([code, signal, stderr], [0, null, ""], stdout);
    const [text = "", lingeredMs] = stdout.trim().split("\n");
    assert.ok(Number(lingeredMs) <= 5_000, `the process lingered for ${lingeredMs} ms`);
    return text;
  }

  const kubernetesAt = (url: string) =>
    `kubernetesResolver({ server: "${url}", ca: ${JSON.stringify(apiServerIdentity.cert)} })`;
  const failing = (options: string) => `await client.unary({}, ${options}).catch((error) => say(error.code));`;

  test("a script that makes one call exits by itself, with its watch open", async () => {
    const call = `say((await client.unary({ text: "hello" })).text);`;
    assert.equal(await said(kubernetesAt(api.url), call), "hello");
  });

  test("so does one whose API server says nothing, and one whose is away", async () => {
    const mute = `https://127.0.0.1:${(silent.address() as AddressInfo).port}`;
    assert.equal(await said(kubernetesAt(mute), failing("{ timeoutMs: 300 }")), "4");
    assert.equal(await said(kubernetesAt("https://127.0.0.1:1"), failing("{}")), "14");
  });

  test("so does one whose API server, or Consul, is behind a firewall that drops packets", {
    skip: noFullQueues,
  }, async (t) => {
    const hole = await startBlackHole();
    t.after(() => hole.close());
    const url = `http://127.0.0.1:${hole.port}`;
    assert.equal(await said(kubernetesAt(url), failing("{ timeoutMs: 300 }")), "4");
    assert.equal(await said(`consulResolver({ url: "${url}" })`, failing("{ timeoutMs: 300 }")), "4");
  });

  test("a transport that is closed leaves no watch", async () => {
    const before = api.watches;
    const body = `await client.unary({}); await transport.close(); say("closed");`;
    assert.equal(await said(kubernetesAt(api.url), body), "closed");
    assert.equal(api.watches, before);
  });
});
