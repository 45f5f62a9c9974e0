import assert from "node:assert/strict";
import { createServer as createHttpServer, request as httpRequest } from "node:http";
import { type AddressInfo, connect, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Duplex } from "node:stream";
import { test } from "node:test";
import { connect as connectTls } from "node:tls";
import { createClient } from "@connectrpc/connect";
import { EchoService } from "../../../../proto/gen/glink/demo/v1/echo_pb.js";
import { parseTarget } from "../../../../src/endpoint/target.ts";
import { dial } from "../../../../src/http2/dial/dial.ts";
import { TlsSessions } from "../../../../src/http2/dial/tls-sessions.ts";
import { type GlinkTransportOptions, glinkTransport, staticResolver } from "../../../../src/index.ts";
import { systemHold } from "../../../../src/runtime/process-hold.ts";
import { ca, serverIdentity } from "../../../support/certificates.ts";
import { startConnectEcho } from "../../../support/echo-server.ts";
import { engineNames } from "../../../support/engines.ts";
import { startFramePeer } from "../../../support/frame-peer.ts";
import { checkForLeaks } from "../../../support/leaks.ts";
import { until } from "../../../support/load.ts";
import { ManualClock, settle } from "../../../support/manual-clock.ts";
import { noAbstractSockets, noUnixSockets } from "../../../support/platform.ts";
import { constantRandom } from "../../../support/random.ts";

checkForLeaks();

async function echo(
  address: string,
  baseUrl: string,
  nodeOptions: GlinkTransportOptions["nodeOptions"],
): Promise<void> {
  const transport = glinkTransport({ baseUrl, resolver: staticResolver([address]), nodeOptions: nodeOptions ?? {} });
  try {
    const client = createClient(EchoService, transport);
    assert.equal((await client.unary({ text: "hello" }, { timeoutMs: 5_000 })).text, "hello");
    let received = 0;
    for await (const { index } of client.serverStream({ count: 20, messageBytes: 1_000 })) {
      assert.equal(index, received++);
    }
    assert.equal(received, 20);
  } finally {
    await transport.close();
  }
}

/** An HTTP proxy that tunnels by CONNECT; resolves `body` with its port. */
async function withProxy(body: (port: number, asked: string[]) => Promise<void>): Promise<void> {
  const asked: string[] = [];
  const sockets = new Set<Socket>();
  const proxy = createHttpServer();
  proxy.on("connect", (request, client: Socket) => {
    asked.push(request.url ?? "");
    const { hostname, port } = new URL(`http://${request.url}`);
    const upstream = connect(Number(port), hostname, () => {
      client.write("HTTP/1.1 200 OK\r\n\r\n");
      upstream.pipe(client).pipe(upstream);
    });
    for (const socket of [client, upstream]) {
      sockets.add(socket);
      socket.on("error", () => undefined);
    }
  });
  await new Promise<void>((resolve) => proxy.listen(0, "127.0.0.1", resolve));
  try {
    await body((proxy.address() as AddressInfo).port, asked);
  } finally {
    for (const socket of sockets) socket.destroy();
    await new Promise((resolve) => proxy.close(resolve));
  }
}

/** A duplex that connects through the proxy when it can, and passes bytes on: what a tunnel library hands out. */
function tunnel(proxyPort: number, host: string): Duplex {
  let upstream: Socket | undefined;
  const waiting: (() => void)[] = [];
  const duplex = new Duplex({
    read: () => upstream?.resume(),
    write(chunk, _, done) {
      const send = () => upstream?.write(chunk, (error) => done(error));
      if (upstream === undefined) waiting.push(send);
      else send();
    },
    final(done) {
      upstream?.end();
      done();
    },
    destroy(error, done) {
      upstream?.destroy();
      done(error);
    },
  });
  httpRequest({ port: proxyPort, host: "127.0.0.1", method: "CONNECT", path: host })
    .on("connect", (_, socket: Socket, head: Buffer) => {
      upstream = socket;
      if (head.length > 0) duplex.push(head);
      socket.on("data", (chunk) => duplex.push(chunk) || socket.pause());
      socket.on("end", () => duplex.push(null));
      socket.on("error", (error) => duplex.destroy(error));
      socket.on("close", () => duplex.destroy());
      for (const send of waiting) send();
    })
    .on("error", (error) => duplex.destroy(error))
    .end();
  return duplex;
}

test("createConnection opens the socket, and gets the address to dial", async () => {
  const backend = await startConnectEcho();
  const urls: string[] = [];
  try {
    await echo(backend.address, "http://echo.test", {
      createConnection: (url) => {
        urls.push(url.href);
        return connect(Number(url.port), url.hostname);
      },
    });
    assert.deepEqual(urls, [`http://${backend.address}/`]);
  } finally {
    await backend.close();
  }
});

test("createConnection may tunnel through a proxy with a Duplex that is no socket", async () => {
  const backend = await startConnectEcho();
  try {
    await withProxy(async (port, asked) => {
      await echo(backend.address, "http://echo.test", { createConnection: (url) => tunnel(port, url.host) });
      assert.deepEqual(asked, [backend.address]);
    });
  } finally {
    await backend.close();
  }
});

test("createConnection may do TLS, through a tunnel or on a socket of its own", async () => {
  const backend = await startConnectEcho({ tls: serverIdentity });
  const tls = { ca, servername: "echo.test", ALPNProtocols: ["h2"] };
  try {
    await echo(backend.address, "https://echo.test", {
      createConnection: (url) => connectTls({ ...tls, host: url.hostname, port: Number(url.port) }),
    });
    await withProxy(async (port) => {
      await echo(backend.address, "https://echo.test", {
        createConnection: (url) => connectTls({ ...tls, socket: tunnel(port, url.host) as Socket }),
      });
    });
  } finally {
    await backend.close();
  }
});

test("createConnection that throws fails the call with its reason", async () => {
  const createConnection = () => {
    throw new Error("no tunnel today");
  };
  await assert.rejects(
    echo("127.0.0.1:1", "http://echo.test", { createConnection }),
    /cannot connect: no tunnel today/,
  );
});

/** Calls a server that listens on `listenPath` at `address`, with and without a createConnection. */
async function callsBySocket(listenPath: string, address: string): Promise<void> {
  const peer = await startFramePeer({ path: listenPath, onRequest: (request) => request.ok() });
  const urls: URL[] = [];
  const createConnection = (url: URL) => {
    urls.push(url);
    return connect(listenPath);
  };
  for (const nodeOptions of [{}, { createConnection }]) {
    const resolver = staticResolver([address]);
    const transport = glinkTransport({ baseUrl: "http://echo.test", resolver, nodeOptions });
    try {
      await createClient(EchoService, transport).unary({}, { timeoutMs: 5_000 });
    } finally {
      await transport.close();
    }
  }
  assert.equal(urls[0]?.protocol, "unix:");
  assert.equal(decodeURIComponent(urls[0]?.pathname ?? ""), address.slice("unix:".length));
  await peer.close();
}

test("a Unix socket is dialled by path, and by createConnection", { skip: noUnixSockets }, () => {
  const path = join(tmpdir(), `glink-dial-${process.pid}.sock`);
  return callsBySocket(path, `unix:${path}`);
});

test("a Unix socket is dialled by its abstract name, and by createConnection", { skip: noAbstractSockets }, () =>
  callsBySocket(`\0glink-dial-${process.pid}`, `unix:@glink-dial-${process.pid}`),
);

function dialOptions(clock: ManualClock, hold = systemHold()) {
  return {
    target: parseTarget("http://echo.test"),
    connectTimeoutMs: 5_000,
    tls: {},
    tlsSessions: new TlsSessions(),
    history: { everConnected: false, dials: new Set<never>() },
    runtime: { clock, random: constantRandom(), hold },
  };
}

test("a dial that failed leaves no timer and no listener but the one for errors", async () => {
  const clock = new ManualClock();
  const hold = systemHold();
  hold.acquire();
  const peer = await startFramePeer({ settings: false });
  const abort = new AbortController();
  let socket: Socket | undefined;
  try {
    const [host, port] = peer.address.split(":") as [string, string];
    const dialling = dial(dialOptions(clock, hold), { host, port: Number(port) }, abort.signal, (handshake) => {
      socket = handshake.socket;
      abort.abort(new Error("no longer wanted"));
    });
    await assert.rejects(dialling, /no longer wanted/);
    assert.equal(clock.pending, 0);
    assert.equal(socket?.destroyed, true);
    assert.equal(socket?.listenerCount("close"), 0);
    assert.equal(socket?.listenerCount("connect"), 0);
    assert.equal(socket?.listenerCount("error"), 1);
  } finally {
    hold.release();
    hold.close();
    await peer.close();
  }
});

test("a dial with a signal that is aborted already fails", async () => {
  const clock = new ManualClock();
  const dialling = dial(dialOptions(clock), { host: "127.0.0.1", port: 1 }, AbortSignal.abort("gone"), () => undefined);
  await assert.rejects(dialling, /gone/);
  assert.equal(clock.pending, 0);
});

test("SETTINGS that had arrived when the connect timeout fires late are still read", async () => {
  const clock = new ManualClock();
  const hold = systemHold();
  hold.acquire();
  const peer = await startFramePeer({ settings: false });
  try {
    const [host, port] = peer.address.split(":") as [string, string];
    let succeed = () => false;
    let fire = () => undefined;
    const connection = {} as Parameters<Parameters<Parameters<typeof dial>[3]>[0]["succeed"]>[0];
    const started = new Promise<void>((resolve) => {
      fire = () => resolve() as undefined;
    });
    const { signal } = new AbortController();
    const dialling = dial(dialOptions(clock, hold), { host, port: Number(port) }, signal, (handshake) => {
      succeed = () => handshake.succeed(connection);
      handshake.socket.unref();
      fire();
      handshake.socket.once("close", () => undefined);
      void dialling.then(() => handshake.socket.destroy());
    });
    await started;
    clock.stall(6_000);
    const advanced = clock.advance(0);
    // The loop reads what has arrived after the late timer and before the verdict.
    clock.afterInput(() => undefined);
    assert.equal(succeed(), true);
    await advanced;
    assert.equal(await dialling, connection);
    await settle();
    assert.equal(clock.pending, 0);
  } finally {
    hold.release();
    hold.close();
    await peer.close();
  }
});

test("a TCP connect that nobody waits for is given up after a second", async () => {
  const clock = new ManualClock();
  // A lookup that never answers keeps the socket connecting.
  const createConnection = () => connect({ host: "never.test", port: 1, lookup: () => undefined });
  const options = { ...dialOptions(clock), createConnection };
  const { signal } = new AbortController();
  const dialling = dial(options, { host: "127.0.0.1", port: 1 }, signal, () => undefined);
  const refused = assert.rejects(dialling, /no call is waiting for the connection: given up after 1000 ms/);
  await clock.advance(1_000);
  await refused;
});

test("a dial that waits for TLS or for SETTINGS, and for which nobody waits, goes on until connectTimeoutMs", async () => {
  const peer = await startFramePeer({ settings: false });
  try {
    const [host, port] = peer.address.split(":") as [string, string];
    const address = { host, port: Number(port) };
    for (const [target, stage] of [
      ["http://echo.test", "HTTP/2 SETTINGS"],
      ["https://echo.test", "TLS handshake"],
    ] as const) {
      const clock = new ManualClock();
      const options = { ...dialOptions(clock), target: parseTarget(target) };
      const connections = peer.connections.length;
      let started = false;
      const dialling = dial(options, address, new AbortController().signal, () => {
        started = true;
      });
      let failed: unknown;
      const settled = dialling.catch((error: unknown) => {
        failed = error;
      });
      // The client has heard that TCP is connected: it is about to speak HTTP/2, or has said its TLS hello.
      const helloCame = () => (peer.connections[connections]?.socket.bytesRead ?? 0) > 0;
      await until("TCP is connected", () => started || helloCame());
      await clock.advance(4_999);
      assert.equal(failed, undefined);
      await clock.advance(1);
      await settled;
      assert.match(String(failed), new RegExp(`no answer to the ${stage}`));
    }
  } finally {
    await peer.close();
  }
});

test("host, port and path of nodeOptions do not overrule the resolver", async () => {
  const backend = await startConnectEcho();
  try {
    const elsewhere = { host: "203.0.113.1", port: 1, path: join(tmpdir(), "nobody.sock") };
    await echo(backend.address, "http://echo.test:50051", elsewhere as GlinkTransportOptions["nodeOptions"]);
  } finally {
    await backend.close();
  }
});

test("settings that node:http2 refuses fail the call with its reason, and not the process", async () => {
  const backend = await startConnectEcho();
  try {
    const nodeOptions = { remoteCustomSettings: Array.from({ length: 11 }, (_, i) => i + 1) };
    await assert.rejects(
      echo(backend.address, "http://echo.test:50051", nodeOptions as GlinkTransportOptions["nodeOptions"]),
      /cannot connect: ERR_HTTP2_TOO_MANY_CUSTOM_SETTINGS/,
    );
  } finally {
    await backend.close();
  }
});

test("createConnection that is async fails the dial with what it must return, and ends no process", async () => {
  const createConnection = () => Promise.reject(new Error("late")) as never;
  const options = { ...dialOptions(new ManualClock()), createConnection };
  await assert.rejects(
    dial(options, { host: "127.0.0.1", port: 1 }, new AbortController().signal, () => undefined),
    /createConnection must return a socket, not a promise/,
  );
});

/** A way through a socket that never says when it is closed. */
class SecretiveTunnel extends Duplex {
  readonly #socket: Socket;
  readonly #saysEnd: boolean;

  constructor(socket: Socket, saysEnd: boolean) {
    super({ emitClose: false });
    this.#socket = socket.unref();
    this.#saysEnd = saysEnd;
    socket.on("error", () => undefined);
    socket.on("end", () => this.push(null));
    socket.on("data", (bytes) => {
      if (!this.push(bytes)) socket.pause();
    });
  }

  override _read(): void {
    this.#socket.resume();
  }

  override _write(bytes: Buffer, _: string, written: () => void): void {
    this.#socket.write(bytes, () => written());
  }

  override _final(ended: () => void): void {
    this.#socket.end(() => {
      if (this.#saysEnd) ended();
    });
  }

  override _destroy(error: Error | null, destroyed: (error: Error | null) => void): void {
    this.#socket.destroy();
    destroyed(error);
  }
}

for (const http2 of engineNames) {
  test(`close() does not wait for a Duplex that never says it is closed, ${http2} engine`, async () => {
    const backend = await startConnectEcho();
    try {
      for (const saysEnd of [true, false]) {
        const createConnection = ({ hostname, port }: URL) =>
          new SecretiveTunnel(connect(Number(port), hostname), saysEnd) as unknown as Socket;
        const resolver = staticResolver([backend.address]);
        const transport = glinkTransport({
          http2,
          baseUrl: "http://echo.test",
          resolver,
          nodeOptions: { createConnection },
        });
        const { text } = await createClient(EchoService, transport).unary({ text: "hello" }, { timeoutMs: 5_000 });
        assert.equal(text, "hello");
        await transport.close();
        assert.deepEqual(transport.snapshot().draining, []);
      }
    } finally {
      await backend.close();
    }
  });
}
