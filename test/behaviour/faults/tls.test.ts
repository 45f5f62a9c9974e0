import assert from "node:assert/strict";
import { createSecureServer, type ServerHttp2Session } from "node:http2";
import { type AddressInfo, createServer } from "node:net";
import { test } from "node:test";
import type { TLSSocket, TlsOptions } from "node:tls";
import { createClient } from "@connectrpc/connect";
import { EchoService } from "../../../proto/gen/glink/demo/v1/echo_pb.js";
import type { GlinkTransportOptions } from "../../../src/index.ts";
import { ca, clientIdentity, otherCa, serverIdentity, wrongNameIdentity } from "../../support/certificates.ts";
import { startConnectEcho, startGrpcJsEcho } from "../../support/echo-server.ts";
import { type FramePeer, startFramePeer } from "../../support/frame-peer.ts";
import { checkForLeaks } from "../../support/leaks.ts";
import { transportTo, tryUnary } from "./fault-call.ts";

checkForLeaks();

const answer: Parameters<typeof startFramePeer>[0] = { onRequest: (request) => request.ok() };
const trusting = { ca };

/** One call to a peer behind TLS; tells how it ended. */
async function callOver(
  tls: TlsOptions | undefined,
  nodeOptions: GlinkTransportOptions["nodeOptions"],
  options: Partial<GlinkTransportOptions> = {},
) {
  const peer = await startFramePeer(tls === undefined ? answer : { ...answer, tls });
  const transport = transportTo([peer.address], {
    baseUrl: "https://echo.test",
    nodeOptions: nodeOptions ?? {},
    ...options,
  });
  try {
    return { ...(await tryUnary(transport)), connections: peer.connections.length };
  } finally {
    await transport.close();
    await peer.close();
  }
}

const refusals: readonly {
  name: string;
  tls: TlsOptions | undefined;
  nodeOptions?: GlinkTransportOptions["nodeOptions"];
  baseUrl?: string;
  message: RegExp;
}[] = [
  {
    name: "a certificate of an authority that is not trusted",
    tls: serverIdentity,
    nodeOptions: { ca: otherCa },
    message: /TLS failed: .*; if the certificate is of an authority of your own, set nodeOptions\.ca/,
  },
  {
    name: "a certificate for another name",
    tls: wrongNameIdentity,
    message:
      /TLS failed: .*Host: echo\.test\. is not in the cert's altnames: DNS:other\.test; .* nodeOptions\.servername/,
  },
  { name: "ALPN without h2", tls: { ...serverIdentity, ALPNProtocols: ["http/1.1"] }, message: /h2 not negotiated/ },
  { name: "no ALPN at all", tls: { ...serverIdentity, ALPNProtocols: [] }, message: /h2 not negotiated/ },
  {
    name: "a demand for a client certificate that is not there",
    tls: { ...serverIdentity, ca, requestCert: true, rejectUnauthorized: true },
    message: /TLS failed: .*certificate required.*; if .* set nodeOptions\.cert and nodeOptions\.key/i,
  },
  {
    name: "the same with TLS 1.2",
    tls: { ...serverIdentity, ca, requestCert: true, rejectUnauthorized: true, maxVersion: "TLSv1.2" },
    message: /TLS failed: .*; if .* set nodeOptions\.cert and nodeOptions\.key/,
  },
  {
    name: "TLS 1.1 alone",
    tls: { ...serverIdentity, minVersion: "TLSv1", maxVersion: "TLSv1.1" },
    message: /TLS failed: /,
  },
  {
    name: "TLS 1.2 alone where minVersion asks for 1.3",
    tls: { ...serverIdentity, maxVersion: "TLSv1.2" },
    nodeOptions: { ca, minVersion: "TLSv1.3" },
    message: /TLS failed: .*PROTOCOL_VERSION/i,
  },
  {
    name: "plaintext where TLS is expected",
    tls: undefined,
    message: /TLS failed: .*; if the port speaks plaintext, use http:\/\/ in baseUrl/,
  },
  {
    name: "TLS where plaintext is expected",
    tls: serverIdentity,
    baseUrl: "http://echo.test",
    message: /is this an HTTP\/1\.1 or a TLS port\?|is this an HTTP\/2 port\?/,
  },
];

for (const { name, tls, nodeOptions = trusting, baseUrl = "https://echo.test", message } of refusals) {
  test(`${name}: Unavailable with the reason, nothing sent, one dial`, async () => {
    const outcome = await callOver(tls, nodeOptions, { baseUrl, reconnectBackoff: { initialBackoffMs: 60_000 } });
    assert.equal(outcome.code, "Unavailable");
    assert.match(outcome.message, message);
    assert.equal(outcome.attempts[0]?.progress, "unsent");
    assert.ok(outcome.elapsedMs < 4_000, "not only at the connect timeout");
    assert.ok(outcome.connections <= 1);
  });
}

for (const [name, tls] of Object.entries({
  "TLS 1.2 alone": { maxVersion: "TLSv1.2" },
  "TLS 1.3 alone": { minVersion: "TLSv1.3" },
} satisfies Record<string, TlsOptions>)) {
  test(`${name} works`, async () => {
    assert.equal((await callOver({ ...serverIdentity, ...tls }, trusting)).code, undefined);
  });
}

test("mTLS with the client's certificate works, on connect-node and on grpc-js", async () => {
  for (const start of [startConnectEcho, startGrpcJsEcho]) {
    const backend = await start({ tls: { ...serverIdentity, ca, requestCert: true } });
    const nodeOptions = { ca, cert: clientIdentity.cert, key: clientIdentity.key };
    const transport = transportTo([backend.address], { baseUrl: "https://svc.test", nodeOptions });
    try {
      assert.equal((await createClient(EchoService, transport).unary({ text: "mutual" })).text, "mutual");
    } finally {
      await transport.close();
      await backend.close();
    }
  }
});

test("rejectUnauthorized: false and checkServerIdentity are passed on", async () => {
  assert.equal((await callOver(wrongNameIdentity, { rejectUnauthorized: false })).code, undefined);
  const names: string[] = [];
  const checkServerIdentity = (name: string) => {
    names.push(name);
    return undefined;
  };
  assert.equal((await callOver(wrongNameIdentity, { ca, checkServerIdentity })).code, undefined);
  assert.deepEqual(names, ["echo.test"]);
});

test("servername of nodeOptions replaces the name of baseUrl in the certificate check", async () => {
  assert.equal((await callOver(wrongNameIdentity, { ca, servername: "other.test" })).code, undefined);
});

test("an IP address as servername is checked against the certificate, and is not sent as SNI", async () => {
  const seen: unknown[] = [];
  const SNICallback: TlsOptions["SNICallback"] = (name, done) => {
    seen.push(name);
    done(null);
  };
  const verified: string[] = [];
  const checkServerIdentity = (name: string) => {
    verified.push(name);
    return undefined;
  };
  for (const servername of ["10.1.2.3", "2001:db8::1", "svc.test"]) {
    const nodeOptions = { ca, servername, checkServerIdentity };
    assert.equal((await callOver({ ...serverIdentity, SNICallback }, nodeOptions)).code, undefined);
  }
  assert.deepEqual(seen, ["svc.test"]);
  assert.deepEqual(verified, ["10.1.2.3", "2001:db8::1", "svc.test"]);
});

test("a wrong option of TLS fails the call, not the process", async () => {
  const outcome = await callOver(serverIdentity, { ca, cert: "no PEM", key: "no PEM" });
  assert.equal(outcome.code, "Unavailable");
  assert.match(outcome.message, /cannot connect: /);
});

test("SNI, :authority and certificate check use the name of baseUrl, whatever address is dialled", async () => {
  const seen: { servername: unknown; authority: unknown }[] = [];
  const server = createSecureServer({ ...serverIdentity });
  server.on("stream", (stream, headers) => {
    const { servername } = (stream.session as ServerHttp2Session).socket as TLSSocket & { servername: unknown };
    seen.push({ servername, authority: headers[":authority"] });
    stream.respond({ ":status": 200, "content-type": "application/grpc", "grpc-status": "5" }, { endStream: true });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  const transport = transportTo([`127.0.0.1:${port}`, `localhost:${port}`], {
    baseUrl: "https://svc.test:8443",
    nodeOptions: { ca },
  });
  try {
    for (let i = 0; i < 4; i++) assert.equal((await tryUnary(transport)).code, "NotFound");
    assert.equal(seen.length, 4);
    for (const one of seen) assert.deepEqual(one, { servername: "svc.test", authority: "svc.test:8443" });
  } finally {
    await transport.close();
    await new Promise((resolve) => server.close(resolve));
  }
});

test("a TLS handshake that is never answered ends with the connect timeout", async () => {
  const server = createServer((socket) => socket.on("error", () => undefined).resume());
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = `127.0.0.1:${(server.address() as AddressInfo).port}`;
  const transport = transportTo([address], { baseUrl: "https://echo.test", connectTimeoutMs: 200 });
  try {
    const outcome = await tryUnary(transport);
    assert.equal(outcome.code, "Unavailable");
    assert.match(outcome.message, /longer than connectTimeoutMs 200: no answer to the TLS handshake/);
  } finally {
    await transport.close();
    await new Promise((resolve) => server.close(resolve));
  }
});

test("one backend of three with a bad certificate: no call fails", async () => {
  const peers: FramePeer[] = [];
  for (const tls of [serverIdentity, wrongNameIdentity, serverIdentity])
    peers.push(await startFramePeer({ ...answer, tls }));
  const transport = transportTo(
    peers.map(({ address }) => address),
    { baseUrl: "https://echo.test", nodeOptions: { ca } },
  );
  try {
    for (let i = 0; i < 20; i++) assert.equal((await tryUnary(transport)).code, undefined);
  } finally {
    await transport.close();
    for (const peer of peers) await peer.close();
  }
});
