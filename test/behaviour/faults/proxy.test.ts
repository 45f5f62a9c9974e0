import assert from "node:assert/strict";
import type { Socket } from "node:net";
import { test } from "node:test";
import type { GlinkTransportOptions } from "../../../src/index.ts";
import { ca, otherCa, serverIdentity } from "../../support/certificates.ts";
import { startConnectEcho } from "../../support/echo-server.ts";
import { startFramePeer } from "../../support/frame-peer.ts";
import { type HttpProxyOptions, startHttpProxy } from "../../support/http-proxy.ts";
import { checkForLeaks } from "../../support/leaks.ts";
import { transportTo, tryUnary } from "./fault-call.ts";

checkForLeaks();

const backend = "10.0.0.1:50051";

interface Refusal {
  readonly name: string;
  readonly proxy: HttpProxyOptions;
  readonly given?: (port: number) => GlinkTransportOptions["proxy"];
  readonly message: RegExp;
  readonly options?: Partial<GlinkTransportOptions>;
}

const says = (text: string) => ({ answer: (socket: Socket) => void socket.end(text) });
const https = (port: number) => `https://127.0.0.1:${port}`;

const refusals: readonly Refusal[] = [
  {
    name: "wants credentials, and its URL has none",
    proxy: { authorization: "Basic eDp5" },
    message:
      /answered CONNECT 10\.0\.0\.1:50051 with 407 Proxy Authentication Required: it wants credentials, as in http:\/\/user:/,
  },
  {
    name: "wants credentials of a kind that is not spoken",
    proxy: says("HTTP/1.1 407 No\r\nProxy-Authenticate: Negotiate\r\nProxy-Authenticate: NTLM\r\n\r\n"),
    message: /it wants credentials by Negotiate or NTLM, and only Basic is spoken here/,
  },
  {
    name: "forbids the port",
    proxy: says("HTTP/1.1 403 Forbidden\r\nContent-Length: 9\r\n\r\nForbidden"),
    message: /with 403 Forbidden: its rules forbid it; many proxies allow CONNECT to port 443 alone/,
  },
  {
    name: "cannot reach the backend",
    proxy: says("HTTP/1.1 502 Bad Gateway\r\n\r\n"),
    message: /with 502 Bad Gateway: it cannot reach the backend; is that an address which the proxy knows\?/,
  },
  {
    name: "answers in colours and forges lines",
    proxy: says("HTTP/1.0 500 \x1b[31mred\x07\r\n\r\n"),
    message: /with 500 \\x1b\[31mred\\x07: it opened no tunnel/,
  },
  {
    name: "closes the connection in place of an answer",
    proxy: { answer: (socket) => void socket.destroy() },
    message: /ended the connection instead of answering CONNECT 10\.0\.0\.1:50051: .*; is it an HTTP proxy/,
  },
  {
    name: "closes the connection in the middle of its answer",
    proxy: says("HTTP/1.1 200 Connec"),
    message: /ended the connection instead of answering CONNECT/,
  },
  {
    name: "says nothing",
    proxy: { answer: () => undefined },
    options: { connectTimeoutMs: 200 },
    message: /has not answered the CONNECT request within connectTimeoutMs 200; it may wait for a backend/,
  },
  {
    name: "is no HTTP server",
    proxy: says("220 smtp.test ESMTP\r\n"),
    message: /cannot be used, its answer is no HTTP: is it an HTTP proxy, or one that speaks TLS \(https:\/\/\)\?/,
  },
  {
    name: "sends headers without an end",
    proxy: { answer: (socket) => void socket.write(`HTTP/1.1 200 OK\r\n${"a: b\r\n".repeat(20_000)}`) },
    message: /its answer has more than 65536 bytes of headers/,
  },
  {
    name: "speaks plaintext where TLS is expected",
    proxy: says(""),
    given: https,
    message:
      /TLS with the proxy https:\/\/127\.0\.0\.1:\d+ failed: .*; if it speaks plaintext, begin its URL with http:/,
    options: { connectTimeoutMs: 1_000 },
  },
  {
    name: "speaks TLS where plaintext is expected",
    proxy: { tls: serverIdentity },
    given: (port) => `http://127.0.0.1:${port}`,
    message: /ended the connection instead of answering CONNECT .* or one that speaks TLS \(https:\/\/\)\?/,
  },
  {
    name: "has a certificate of an authority that is not trusted",
    proxy: { tls: serverIdentity },
    given: (port) => ({ url: https(port), tls: { ca: otherCa, servername: "echo.test" } }),
    message: /TLS with the proxy .* failed: .*; if the certificate is of an authority of your own, set proxy\.tls\.ca/,
  },
];

for (const { name, proxy: script, given, message, options = {} } of refusals) {
  test(`a proxy that ${name}: Unavailable, of the kind "proxy", and says what to do`, async () => {
    const proxy = await startHttpProxy(script);
    const transport = transportTo([backend], { ...options, proxy: given?.(proxy.port) ?? proxy.url });
    try {
      const outcome = await tryUnary(transport);
      assert.equal(outcome.code, "Unavailable");
      assert.match(outcome.message, message);
      assert.ok(outcome.message.includes(`:${proxy.port}`) && outcome.message.includes(backend), outcome.message);
      assert.equal(transport.snapshot().subchannels[0]?.lastError?.kind, "proxy");
      assert.equal(outcome.attempts[0]?.progress, "unsent");
    } finally {
      await transport.close();
      await proxy.close();
    }
  });
}

test("a proxy that refuses connections is not taken for backends with a wrong port", async () => {
  const proxy = await startHttpProxy();
  await proxy.close();
  const transport = transportTo([backend], { proxy: proxy.url });
  const hints: string[] = [];
  transport.subscribe((event) => {
    if (event.type === "hint") hints.push(event.message);
  });
  const { message } = await tryUnary(transport);
  assert.match(
    message,
    /cannot connect to the proxy http:\/\/127\.0\.0\.1:\d+: .*ECONNREFUSED.*; are its host and port right\?/,
  );
  assert.ok(!message.includes("pod port"), message);
  assert.deepEqual(hints, []);
  await transport.close();
});

test("a proxy that says again what it was told shows no credentials", async () => {
  const password = "p@ss:word";
  const encoded = Buffer.from(`me:${password}`).toString("base64");
  const told = `${encoded} ${password} ${encodeURIComponent(password)}`;
  for (const answer of [`500 no: ${told}`, `407 no\r\nProxy-Authenticate: ${encoded}`]) {
    const proxy = await startHttpProxy(says(`HTTP/1.1 ${answer}\r\n\r\n`));
    const transport = transportTo([backend], {
      proxy: `http://me:${encodeURIComponent(password)}@127.0.0.1:${proxy.port}`,
    });
    const { message } = await tryUnary(transport);
    assert.match(message, /with 500 no: \*\*\* \*\*\* \*\*\*: it opened no tunnel|by \*\*\*, and only Basic/);
    await transport.close();
    await proxy.close();
  }
});

test("a deadline that ends while the proxy is silent names the proxy, and what it has not answered", async () => {
  const proxy = await startHttpProxy({ answer: () => undefined });
  const transport = transportTo([backend], { proxy: proxy.url });
  const { code, message } = await tryUnary(transport, { timeoutMs: 300 });
  assert.equal(code, "DeadlineExceeded");
  assert.ok(message.includes(`the proxy ${proxy.url} has not answered the CONNECT request`), message);
  await transport.close();
  await proxy.close();
});

test("behind a proxy, what a backend does wrong is the backend's, and the text says through which proxy", async () => {
  const proxy = await startHttpProxy();
  const web = await startFramePeer({ tls: { ...serverIdentity, ALPNProtocols: ["http/1.1"] } });
  const transport = transportTo([web.address], {
    baseUrl: "https://echo.test",
    nodeOptions: { ca },
    proxy: proxy.url,
  });
  const { message } = await tryUnary(transport);
  assert.equal(transport.snapshot().subchannels[0]?.lastError?.kind, "dial");
  assert.match(message, /h2 not negotiated.* \(through the proxy http:\/\/127\.0\.0\.1:\d+, which may look into TLS/);
  await transport.close();
  await web.close();
  await proxy.close();
});

test("an answer that comes byte by byte, after an interim one and with the backend's first bytes, opens the tunnel", async () => {
  const peer = await startConnectEcho();
  const settings = Buffer.from("000000040000000000", "hex");
  const proxy = await startHttpProxy({
    answer: async (socket) => {
      const { connect } = await import("node:net");
      const far = connect(peer.port, "127.0.0.1");
      far.on("error", () => undefined);
      far.once("data", (first: Buffer) => {
        assert.deepEqual(first.subarray(3, 4), settings.subarray(3, 4));
        const answer = Buffer.from("HTTP/1.1 103 Early Hints\r\n\r\nHTTP/1.1 200 OK\r\nX: y\r\n\r\n");
        far.pause();
        const bytes = [...answer.subarray(0, -1)];
        const step = () => {
          const byte = bytes.shift();
          if (byte !== undefined) {
            socket.write(Buffer.from([byte]));
            setImmediate(step);
            return;
          }
          socket.write(Buffer.concat([answer.subarray(-1), first]));
          far.pipe(socket).pipe(far);
          socket.once("close", () => far.destroy());
        };
        step();
      });
    },
  });
  const transport = transportTo([peer.address], { proxy: proxy.url });
  assert.equal((await tryUnary(transport)).code, undefined);
  await transport.close();
  await proxy.close();
  await peer.close();
});

test("a transport that is closed while the proxy is silent leaves no socket", async () => {
  const proxy = await startHttpProxy({ answer: () => undefined });
  const transport = transportTo([backend], { proxy: proxy.url });
  const call = tryUnary(transport);
  while (proxy.asked.length === 0) await new Promise((resolve) => setTimeout(resolve, 2));
  await transport.close({ timeoutMs: 0 });
  assert.equal((await call).code, "Canceled");
  await proxy.close();
});
