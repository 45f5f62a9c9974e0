import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer as createHttpServer } from "node:http";
import { createSecureServer, createServer, type Http2Server } from "node:http2";
import { type AddressInfo, createServer as createTcpServer, type Server, type Socket } from "node:net";
import { join } from "node:path";
import { test } from "node:test";
import { createServer as createTlsServer, type TlsOptions } from "node:tls";
import type { ConnectRouter } from "@connectrpc/connect";
import { connectNodeAdapter } from "@connectrpc/connect-node";
import { Health, HealthCheckResponse_ServingStatus } from "../../../proto/gen/grpc/health/v1/health_pb.js";
import { ca, expiredIdentity, serverIdentity, wrongNameIdentity } from "../../support/certificates.ts";
import { checkJson, glink } from "../../support/command-line.ts";
import { type FramePeerOptions, type PeerRequest, setting, startFramePeer } from "../../support/frame-peer.ts";
import { checkForLeaks } from "../../support/leaks.ts";

/*
 * `glink check` against real sockets, each broken in its own way.
 */

checkForLeaks();

const certs = join(import.meta.dirname, "../../support/certs");
const trusting = ["--ca", join(certs, "ca.pem"), "--servername", "echo.test"];
const { NOT_SERVING, SERVING } = HealthCheckResponse_ServingStatus;

/** Runs `test` against a server, given its port, and closes it with all of its sockets. */
async function withServer(server: Server | Http2Server, test: (port: number) => Promise<void>, host = "127.0.0.1") {
  const sockets = new Set<Socket>();
  for (const event of ["connection", "secureConnection"]) {
    server.on(event, (socket: Socket) => {
      sockets.add(socket.on("error", () => undefined));
    });
  }
  server.on("tlsClientError", () => undefined).listen(0, host);
  await once(server, "listening");
  try {
    await test((server.address() as AddressInfo).port);
  } finally {
    for (const socket of sockets) socket.destroy();
    server.close();
    await once(server, "close");
  }
}

async function withPeer(options: FramePeerOptions, test: (address: string) => Promise<void>): Promise<void> {
  const peer = await startFramePeer(options);
  try {
    await test(peer.address);
  } finally {
    await peer.close();
  }
}

/** Answers each request with these trailers. */
const answering = (trailers: readonly string[]) => (request: PeerRequest) => {
  request.headers();
  request.trailers(trailers);
};

/** A server of Connect's. */
const connectServer = (routes: (router: ConnectRouter) => void) => createServer(connectNodeAdapter({ routes }));

const health = (status: HealthCheckResponse_ServingStatus) => (router: ConnectRouter) =>
  router.service(Health, { check: () => ({ status }) });

/** The one problem that is found, and the exit code. */
async function problemAt(...args: string[]): Promise<{ id: string | undefined; exitCode: number; message: string }> {
  const { exitCode, said } = await checkJson(...args);
  assert.equal(said.schema, 1);
  assert.equal(said.ok, exitCode === 0);
  assert.ok(said.problems.length <= 1, JSON.stringify(said.problems));
  return { id: said.problems[0]?.id, exitCode, message: said.problems[0]?.message ?? "" };
}

test("a server that serves is good: every step has its time, and its SETTINGS are told", async () => {
  const server = createServer(
    { settings: { maxConcurrentStreams: 100, initialWindowSize: 1_048_576 } },
    connectNodeAdapter({ routes: health(SERVING) }),
  );
  await withServer(server, async (port) => {
    const { exitCode, said } = await checkJson(`http://localhost:${port}`);
    const [found] = said.addresses;
    assert.equal(exitCode, 0);
    assert.deepEqual(
      said.problems.filter(({ severity }) => severity === "error"),
      [],
    );
    assert.equal(found?.address, `127.0.0.1:${port}`);
    assert.ok(found.tcpMs !== null && found.settingsMs !== null && found.tlsMs === null);
    assert.equal(found.pingMs.length, 3);
    assert.equal(found.settings?.maxConcurrentStreams, 100);
    assert.equal(found.settings.initialWindowBytes, 1_048_576);
    assert.equal(found.health?.state, "serving");
  });
});

test("a server without a health service is good", async () => {
  await withServer(
    connectServer(() => undefined),
    async (port) => {
      const { exitCode, said } = await checkJson(`http://127.0.0.1:${port}`);
      assert.deepEqual([exitCode, said.problems, said.addresses[0]?.health?.state], [0, [], "unimplemented"]);
    },
  );
  const unimplemented = ["grpc-status", "12"];
  await withPeer({ onRequest: answering(unimplemented) }, async (address) => {
    assert.equal((await checkJson(`http://${address}`)).exitCode, 0);
  });
});

for (const protocol of ["grpc", "grpc-web", "connect"]) {
  test(`health is asked for by ${protocol}`, async () => {
    await withServer(connectServer(health(SERVING)), async (port) => {
      const { said } = await checkJson(`http://127.0.0.1:${port}`, "--protocol", protocol);
      assert.equal(said.addresses[0]?.health?.state, "serving");
    });
  });
}

test("a server that speaks another protocol is told by that protocol's name", async () => {
  const routes = health(SERVING);
  const server = createServer(connectNodeAdapter({ routes, grpc: false, grpcWeb: false }));
  await withServer(server, async (port) => {
    const { id, exitCode, message } = await problemAt(`http://127.0.0.1:${port}`);
    assert.deepEqual([id, exitCode], ["protocol-mismatch", 4]);
    assert.match(message, /does not speak grpc, it speaks connect/);
  });
});

test("a web server that speaks HTTP/2 is no server of RPCs", async () => {
  const server = createServer((_, response) => {
    response.writeHead(404, { "content-type": "text/html" }).end("<h1>Not found</h1>");
  });
  await withServer(server, async (port) => {
    assert.equal((await problemAt(`http://127.0.0.1:${port}`)).id, "not-rpc");
  });
});

test("not SERVING, and a service that the server does not know: exit code 5", async () => {
  await withServer(connectServer(health(NOT_SERVING)), async (port) => {
    assert.deepEqual(await problemAt(`http://127.0.0.1:${port}`, "--service", "pkg.Echo"), {
      id: "not-serving",
      exitCode: 5,
      message: "pkg.Echo is NOT_SERVING",
    });
  });
  const notFound = ["grpc-status", "5", "grpc-message", "no such service %1b[2J"];
  await withPeer({ onRequest: answering(notFound) }, async (address) => {
    const { id, exitCode, message } = await problemAt(`http://${address}`, "--service", "pkg.Echo");
    assert.deepEqual([id, exitCode], ["service-unknown", 5]);
    assert.match(message, /no such service \\x1b\[2J/, "what a server says reaches no terminal");
  });
});

test("a health check that is refused is a warning", async () => {
  await withPeer({ onRequest: answering(["grpc-status", "16"]) }, async (address) =>
    assert.deepEqual((await problemAt(`http://${address}`)).id, "health-refused"),
  );
});

test("a health check without an answer fails after the timeout", async () => {
  await withPeer({}, async (address) => {
    assert.equal((await problemAt(`http://${address}`, "--timeout", "200ms")).id, "health-failed");
  });
});

test("an HTTP/1.1 port, with http and with https", async () => {
  await withServer(createHttpServer(), async (port) => {
    const plain = await problemAt(`http://127.0.0.1:${port}`);
    assert.deepEqual([plain.id, plain.exitCode], ["http1-port", 4]);
    assert.match(plain.message, /HTTP\/1\.1 400 Bad Request/);
    const byTls = await problemAt(`https://127.0.0.1:${port}`);
    assert.equal(byTls.id, "http1-port");
    assert.match(byTls.message, /HTTP\/1\.1 400 Bad Request/, "what OpenSSL made of it says nothing to anybody");
  });
});

test("TLS and plaintext taken for each other", async () => {
  await withServer(createSecureServer(serverIdentity), async (port) => {
    assert.equal((await problemAt(`http://127.0.0.1:${port}`)).id, "tls-port");
  });
  await withServer(
    connectServer(() => undefined),
    async (port) => {
      assert.equal((await problemAt(`https://127.0.0.1:${port}`)).id, "plaintext-port");
    },
  );
});

test("another protocol, and a port that hangs up", async () => {
  await withServer(
    createTcpServer((socket) => socket.end("220 mail.test ESMTP\r\n")),
    async (port) => {
      assert.equal((await problemAt(`http://127.0.0.1:${port}`)).id, "not-http2");
    },
  );
  await withServer(
    createTcpServer((socket) => socket.end()),
    async (port) => {
      assert.equal((await problemAt(`http://127.0.0.1:${port}`)).id, "connection-closed");
    },
  );
});

test("a port that accepts and says nothing, with http and with https", async () => {
  await withServer(createTcpServer(), async (port) => {
    assert.equal((await problemAt(`http://127.0.0.1:${port}`, "--timeout", "200ms")).id, "http2-silent");
    assert.equal((await problemAt(`https://127.0.0.1:${port}`, "--timeout", "200ms")).id, "tls-silent");
  });
});

test("a port that nobody listens on", async () => {
  let freed = 0;
  await withServer(createTcpServer(), async (port) => {
    freed = port;
  });
  assert.deepEqual(await problemAt(`http://127.0.0.1:${freed}`), {
    id: "refused",
    exitCode: 4,
    message: `connect ECONNREFUSED 127.0.0.1:${freed}`,
  });
});

/** A server of TLS, asked for as `echo.test` with the tests' authority. */
const tlsFaults: readonly [what: string, options: TlsOptions, id: string, args?: string[]][] = [
  ["a certificate for another name", wrongNameIdentity, "certificate-name"],
  [
    "an expired certificate",
    expiredIdentity,
    "certificate-expired",
    ["--ca", join(certs, "expired.pem"), "--servername", "echo.test"],
  ],
  ["a certificate of an unknown authority", serverIdentity, "certificate-untrusted", ["--servername", "echo.test"]],
  ["ALPN without h2", { ...serverIdentity, ALPNProtocols: ["http/1.1"] }, "no-h2"],
  ["h2 without ALPN", { ...serverIdentity, ALPNProtocols: [] }, "no-h2"],
  ["a demand for a client certificate", { ...serverIdentity, ca, requestCert: true }, "client-certificate"],
  ["TLS 1.1 alone", { ...serverIdentity, minVersion: "TLSv1", maxVersion: "TLSv1.1" }, "tls-failed"],
];

for (const [what, options, id, args = trusting] of tlsFaults) {
  test(`${what}: ${id}`, async () => {
    await withServer(createTlsServer({ ALPNProtocols: ["h2"], ...options }), async (port) => {
      const { said, exitCode } = await checkJson(`https://127.0.0.1:${port}`, ...args);
      assert.deepEqual([said.problems.map((one) => one.id), exitCode], [[id], 4]);
      const { certificate } = said.addresses[0] ?? {};
      if (id.startsWith("certificate-")) assert.ok(certificate?.names[0]?.endsWith(".test"), "it is told all the same");
      if (id === "certificate-expired") assert.match(said.problems[0]?.message ?? "", /expired \d+ days ago/);
    });
  });
}

test("TLS that works tells its version, ALPN, names and days; with a client certificate where one is wanted", async () => {
  const options = { ...serverIdentity, ca, requestCert: true, rejectUnauthorized: true };
  await withServer(createSecureServer(options, connectNodeAdapter({ routes: health(SERVING) })), async (port) => {
    const own = ["--cert", join(certs, "client.pem"), "--key", join(certs, "client.key.pem")];
    const { exitCode, said } = await checkJson(`https://127.0.0.1:${port}`, ...trusting, ...own);
    const { tls, certificate, tlsMs } = said.addresses[0] ?? {};
    assert.equal(exitCode, 0);
    assert.deepEqual([tls?.version, tls?.alpn], ["TLSv1.3", "h2"]);
    assert.deepEqual(certificate?.names, ["echo.test", "svc.test"]);
    assert.ok(typeof tlsMs === "number" && certificate.daysLeft > 10_000);
    const wrong = ["--cert", join(certs, "client.pem"), "--key", join(certs, "server.key.pem")];
    assert.equal((await problemAt(`https://127.0.0.1:${port}`, ...trusting, ...wrong)).id, "tls-options");
  });
});

test("PINGs without an answer, no streams, and a connection that is lost at once", async () => {
  await withPeer({ answersPings: false }, async (address) => {
    assert.equal((await problemAt(`http://${address}`, "--timeout", "200ms")).id, "ping-silent");
  });
  await withPeer({ settings: [setting.maxConcurrentStreams, 0] }, async (address) => {
    assert.equal((await problemAt(`http://${address}`)).id, "no-streams");
  });
  await withPeer(
    { answersPings: false, onConnection: (connection) => setTimeout(() => connection.abort(), 50) },
    async (address) => assert.equal((await problemAt(`http://${address}`)).id, "connection-lost"),
  );
});

test("IPv6, where this machine has it", async (t) => {
  try {
    await withServer(
      connectServer(() => undefined),
      async (port) =>
        assert.equal((await checkJson(`http://[::1]:${port}`)).said.addresses[0]?.address, `[::1]:${port}`),
      "::1",
    );
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "EADDRNOTAVAIL") throw error;
    t.skip("this machine has no ::1");
  }
});

test("a name that does not exist: exit code 2, and nothing is dialled", async () => {
  const { exitCode, said } = await checkJson("http://nothing.invalid:50051");
  assert.equal(exitCode, 2);
  // Without a network nobody says that it does not exist.
  assert.match(said.problems[0]?.id ?? "", /^name-(not-found|server-silent|failed)$/);
  assert.deepEqual(said.addresses, []);
});

test("a file that cannot be read, one that is no PEM, a URL that is none: exit code 1, said on stderr alone", async () => {
  const file = join(certs, "README.md");
  for (const [args, message] of [
    [["https://echo.test", "--ca", "/nowhere/ca.pem"], /--ca cannot be read: ENOENT/],
    [["https://echo.test", "--ca", file], /README\.md is no PEM file/],
    [["http://echo.test/?x=1"], /the URL .* has a query/],
    [["http://user:secret@echo.test"], /carries credentials/],
  ] as const) {
    const { exitCode, stdout, stderr } = await glink("check", ...args);
    assert.deepEqual([exitCode, stdout], [1, ""]);
    assert.match(stderr, message);
    assert.doesNotMatch(stderr, /secret/);
  }
});
