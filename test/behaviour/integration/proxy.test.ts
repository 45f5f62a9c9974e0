import assert from "node:assert/strict";
import { test } from "node:test";
import { createClient } from "@connectrpc/connect";
import { EchoService } from "../../../proto/gen/glink/demo/v1/echo_pb.js";
import { type GlinkEvent, type GlinkTransport, glinkTransport, staticResolver } from "../../../src/index.ts";
import { ca, serverIdentity } from "../../support/certificates.ts";
import { type ConnectEchoBackend, type EchoServerOptions, startConnectEcho } from "../../support/echo-server.ts";
import { engineNames } from "../../support/engines.ts";
import { type HttpProxy, type HttpProxyOptions, startHttpProxy } from "../../support/http-proxy.ts";
import { checkForLeaks } from "../../support/leaks.ts";

checkForLeaks();

async function withParts(
  { proxy, backends }: { proxy?: HttpProxyOptions; backends: readonly EchoServerOptions[] },
  body: (proxy: HttpProxy, backends: readonly ConnectEchoBackend[]) => Promise<void>,
): Promise<void> {
  const started = await Promise.all(backends.map((options) => startConnectEcho(options)));
  const opened = await startHttpProxy(proxy);
  try {
    await body(opened, started);
  } finally {
    await opened.close();
    await Promise.all(started.map((backend) => backend.close()));
  }
}

/** Who answered, call by call; a stream and a large message must get through too. */
async function callAll(transport: GlinkTransport, calls: number): Promise<string[]> {
  const client = createClient(EchoService, transport);
  try {
    const served: string[] = [];
    for (let i = 0; i < calls; i++) {
      const { served: by } = await client.unary({ text: "hello" }, { timeoutMs: 10_000 });
      served.push(by?.backend ?? "");
    }
    const payload = new Uint8Array(300_000).fill(7);
    assert.deepEqual((await client.unary({ payload }, { timeoutMs: 10_000 })).payload, payload);
    let received = 0;
    for await (const { index } of client.serverStream({ count: 20, messageBytes: 10_000 })) {
      assert.equal(index, received++);
    }
    assert.equal(received, 20);
    return served;
  } finally {
    await transport.close();
  }
}

const tls = serverIdentity;

for (const http2 of engineNames) {
  const cases = [
    { name: "plaintext, over a plaintext proxy", proxyTls: false, backendTls: false },
    { name: "TLS, over a plaintext proxy", proxyTls: false, backendTls: true },
    { name: "plaintext, over a proxy that speaks TLS", proxyTls: true, backendTls: false },
    { name: "TLS, over a proxy that speaks TLS", proxyTls: true, backendTls: true },
  ];
  for (const { name, proxyTls, backendTls } of cases) {
    test(`two backends behind a proxy share calls evenly, a connection each: ${name}, ${http2} engine`, async () => {
      const backend = backendTls ? { tls } : {};
      const options = { ...(proxyTls ? { proxy: { tls } } : {}), backends: [backend, backend] };
      await withParts(options, async (proxy, backends) => {
        const addresses = backends.map(({ address }) => address);
        const transport = glinkTransport({
          baseUrl: backendTls ? "https://echo.test" : "http://echo.test",
          resolver: staticResolver(addresses),
          proxy: proxyTls ? { url: proxy.url, tls: { ca, servername: "echo.test" } } : proxy.url,
          nodeOptions: backendTls ? { ca } : {},
          http2,
        });
        await transport.ready({ timeoutMs: 10_000 });
        while (transport.snapshot().subchannels.some(({ state }) => state !== "ready")) {
          await new Promise((resolve) => setTimeout(resolve, 5));
        }
        assert.equal(transport.snapshot().proxy, proxy.url);
        const served = await callAll(transport, 10);
        assert.deepEqual(
          addresses.map((address) => served.filter((one) => one === address).length),
          [5, 5],
        );
        assert.deepEqual([...proxy.asked].sort(), [...addresses].sort());
        assert.deepEqual(
          backends.map(({ connections }) => connections()),
          [1, 1],
        );
      });
    });
  }
}

test("a proxy gets the credentials of its URL, and no log, event, error or snapshot does", async () => {
  const secret = "p@ss:wörd";
  const authorization = `Basic ${Buffer.from(`me:${secret}`).toString("base64")}`;
  await withParts({ proxy: { authorization }, backends: [{}] }, async (proxy, [backend]) => {
    const told: unknown[] = [];
    const log = (...line: unknown[]) => told.push(line);
    const transportWith = (password: string) => {
      const transport = glinkTransport({
        baseUrl: "http://echo.test",
        resolver: staticResolver([backend?.address ?? ""]),
        proxy: `http://me:${encodeURIComponent(password)}@127.0.0.1:${proxy.port}`,
        logger: { debug: log, info: log, warn: log, error: log },
        retry: false,
      });
      transport.subscribe((event: GlinkEvent) => told.push(event));
      return transport;
    };
    assert.deepEqual(await callAll(transportWith(secret), 1), [backend?.address]);
    const refused = transportWith(`not ${secret}`);
    await assert.rejects(createClient(EchoService, refused).unary({}), (error) => {
      told.push(String(error), error);
      assert.match(
        String(error),
        /answered CONNECT .* with 407 Proxy .*: it does not accept the credentials of its URL/,
      );
      return true;
    });
    told.push(refused.snapshot());
    await refused.close();
    const text = told
      .map((one) => (one instanceof Error ? `${one.stack} ${one.cause}` : JSON.stringify(one)))
      .join("\n");
    for (const hidden of [secret, encodeURIComponent(secret), authorization, authorization.slice(6)]) {
      assert.ok(!text.includes(hidden), `told: ${hidden}`);
    }
    assert.ok(text.includes(proxy.url));
  });
});

test("a name that only the proxy knows is asked of the proxy, where the resolver names it", async () => {
  const backend = await startConnectEcho();
  const proxy = await startHttpProxy({ names: { "echo.internal.test:50051": backend.address } });
  try {
    const transport = glinkTransport({
      baseUrl: "http://echo.internal.test:50051",
      resolver: staticResolver(["echo.internal.test:50051"]),
      proxy: proxy.url,
    });
    assert.deepEqual(await callAll(transport, 1), [backend.address]);
    assert.deepEqual(proxy.asked, ["echo.internal.test:50051"]);
    assert.match(
      proxy.heads[0] ?? "",
      /^CONNECT \S+ HTTP\/1\.1\r\nHost: echo\.internal\.test:50051\r\nUser-Agent: glink\//,
    );
  } finally {
    await proxy.close();
    await backend.close();
  }
});

test("a proxy that cuts all its tunnels costs nothing but new ones: calls are repeated over them", () =>
  withParts({ backends: [{}] }, async (proxy, [backend]) => {
    const transport = glinkTransport({
      baseUrl: "http://echo.test",
      resolver: staticResolver([backend?.address ?? ""]),
      proxy: proxy.url,
    });
    const client = createClient(EchoService, transport);
    await client.unary({}, { timeoutMs: 10_000 });
    const call = client.unary({ behavior: { delayMs: 100 } }, { timeoutMs: 10_000 });
    while (backend?.counters.running !== 1) await new Promise((resolve) => setTimeout(resolve, 2));
    proxy.reset();
    await call;
    assert.equal(proxy.asked.length, 2);
    await transport.close();
  }));
