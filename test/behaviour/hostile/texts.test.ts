// Whatever way a text of a peer, of a proxy or of a registry comes in, it leaves by no output as more than text: no line is
// forged, no terminal obeys, no page runs it.
import assert from "node:assert/strict";
import { createServer } from "node:http";
import { type AddressInfo, createServer as createTcpServer, type Socket } from "node:net";
import { describe, it, type TestContext } from "node:test";
import { createClient } from "@connectrpc/connect";
import { EchoService } from "../../../proto/gen/glink/demo/v1/echo_pb.js";
import { consulResolver } from "../../../src/consul/index.ts";
import {
  type Address,
  type Attributes,
  dnsResolver,
  endpointHostname,
  endpointZone,
  type GlinkTransportOptions,
  noAttributes,
  type Resolver,
  staticResolver,
} from "../../../src/index.ts";
import { kubernetesResolver } from "../../../src/kubernetes/index.ts";
import { fakeDns } from "../../../src/testing/index.ts";
import { hostileIdentity } from "../../support/certificates.ts";
import { glink } from "../../support/command-line.ts";
import { everyOutput, textsOf } from "../../support/every-output.ts";
import { type FramePeerOptions, type PeerRequest, startFramePeer } from "../../support/frame-peer.ts";
import { checkForLeaks } from "../../support/leaks.ts";
import { glinkTransport } from "../../support/transport.ts";
import { errorOf } from "../../unit/calls/scripted-server.ts";

checkForLeaks();

/** In all of the texts, so that it is known whether one came through at all. */
const mark = "h0stile";
/** As a field of HTTP may be: no line break. */
const hostileField = `${mark}<b>"'&\\ \x1b[2J\x1b]0;x\x07\x9b31m`;
const hostile = `${hostileField}\n\rERROR forged\u202e\u2028\u2066\u061c\ufeff`;
const hostileBin = Buffer.from(hostile).toString("base64");

/** What a terminal obeys, what forges a line, and what hides what follows. `\n` and tab are in texts of several lines. */
const obeyed =
  // biome-ignore lint/suspicious/noControlCharactersInRegex: that is what is looked for.
  /[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069\ufeff]|\nERROR forged/;

/** Outputs that a browser reads as HTML. */
const pages: ReadonlySet<string> = new Set(["page"]);

type Options = Omit<GlinkTransportOptions, "baseUrl"> & { readonly baseUrl?: string };

/** Makes a call, and looks at everything that anybody is told. Returns how often the hostile text was seen. */
async function assertHarmless(options: Options): Promise<{ seen: number; message: string }> {
  const outputs = everyOutput();
  const { instrumentation, logger } = outputs;
  const retry = { maxAttempts: 2, initialBackoffMs: 1 };
  const transport = glinkTransport({ baseUrl: "http://echo.test", retry, ...options, instrumentation, logger });
  try {
    outputs.watch(transport);
    const { message } = await errorOf(createClient(EchoService, transport).unary({}, { timeoutMs: 2_000 }));
    let seen = 0;
    for (const [output, value] of Object.entries({ ...(await outputs.read()), callers: message })) {
      for (const text of textsOf(value)) {
        assert.doesNotMatch(text, obeyed, output);
        if (pages.has(output)) assert.ok(!text.includes(`${mark}<b>`), output);
        if (text.includes(mark)) seen++;
      }
    }
    return { seen, message };
  } finally {
    outputs.stop();
    await transport.close({ timeoutMs: 0 });
  }
}

async function startPeer(t: TestContext, script: FramePeerOptions): Promise<string> {
  const peer = await startFramePeer(script);
  t.after(() => peer.close());
  return peer.address;
}

const headed = (fields: readonly string[], status = "200"): FramePeerOptions => ({
  onRequest: (request: PeerRequest) => {
    request.headers([":status", status, ...fields]);
    request.trailers(["grpc-status", "0"]);
  },
});
const trailing = (...fields: readonly string[]): FramePeerOptions => ({
  onRequest: (request: PeerRequest) =>
    request.trailers([":status", "200", "content-type", "application/grpc", ...fields]),
});
const grpc = ["content-type", "application/grpc"];

/** By what it is in; `shown`: somebody is told of it, and not only of what is wrong with it. */
const answers: Record<string, { readonly script: FramePeerOptions; readonly shown: boolean }> = {
  "the debug data of a GOAWAY": {
    script: { onRequest: ({ connection, id }) => connection.goaway(id, 2, hostile) },
    shown: true,
  },
  "an answer of HTTP/1.1": {
    script: { settings: false, onConnection: ({ socket }) => socket.end(`HTTP/1.1 200 ${hostile}\r\n\r\n`) },
    shown: true,
  },
  "a content type": { script: headed(["content-type", hostileField]), shown: true },
  "a redirect": { script: headed(["content-type", hostileField, "location", hostileField], "302"), shown: true },
  "a wait of HTTP's": {
    script: headed(["content-type", "text/html", "retry-after", hostileField], "503"),
    shown: false,
  },
  "a status of HTTP's": { script: headed(grpc, hostileField), shown: false },
  "a length": { script: headed([...grpc, "content-length", hostileField]), shown: false },
  "a field's name": { script: headed([...grpc, hostileField, "1"]), shown: true },
  "a compression": { script: headed([...grpc, "grpc-encoding", hostileField]), shown: true },
  "a status": { script: trailing("grpc-status", hostileField), shown: true },
  "a pushback": { script: trailing("grpc-status", "14", "grpc-retry-pushback-ms", hostileField), shown: false },
  "details of a status": { script: trailing("grpc-status", "14", "grpc-status-details-bin", hostileBin), shown: false },
  "a load report": {
    script: trailing(
      "grpc-status",
      "14",
      "endpoint-load-metrics",
      hostileField,
      "endpoint-load-metrics-bin",
      hostileBin,
    ),
    shown: false,
  },
};

describe("a hostile text, in", () => {
  for (const [what, { script, shown }] of Object.entries(answers)) {
    it(`${what}, is text in each output, and in what glink check prints`, async (t) => {
      const address = await startPeer(t, script);
      const { seen } = await assertHarmless({ resolver: staticResolver([address]) });
      // node:http2 reads fields, and HTTP/1.1, in a way of its own.
      if (process.env.GLINK_TEST_ENGINE !== "node") assert.equal(seen > 0, shown);
      for (const more of [[], ["--json"]]) {
        const { stdout, stderr } = await glink("check", `http://${address}`, "--timeout", "2s", ...more);
        assert.doesNotMatch(stdout + stderr, obeyed);
      }
    });
  }

  it("a certificate, is text in each output, and in what glink check prints", async (t) => {
    const address = await startPeer(t, { tls: hostileIdentity });
    const nodeOptions = { ca: hostileIdentity.cert };
    const { seen } = await assertHarmless({
      baseUrl: "https://echo.test",
      nodeOptions,
      resolver: staticResolver([address]),
    });
    assert.ok(seen > 0);
    for (const more of [[], ["--json"]]) {
      const { stdout, stderr } = await glink("check", `https://${address}`, ...more);
      assert.match(stdout, /h0stile/);
      assert.doesNotMatch(stdout + stderr, obeyed);
    }
  });

  it("the answer of a proxy, is text in each output", async (t) => {
    const refusing = createTcpServer((socket: Socket) => {
      socket.on("error", () => undefined);
      socket.once("data", () =>
        socket.end(`HTTP/1.1 407 ${hostileField}\r\nproxy-authenticate: ${hostileField}\r\n\r\n`),
      );
    });
    await new Promise<void>((resolve) => refusing.listen(0, "127.0.0.1", resolve));
    t.after(() => new Promise((resolve) => refusing.close(resolve)));
    const proxy = `http://127.0.0.1:${(refusing.address() as AddressInfo).port}`;
    const { seen } = await assertHarmless({ proxy, resolver: staticResolver(["10.0.0.1:1"]) });
    assert.ok(seen > 0);
  });
});

/** Says this, whatever it is. */
function saying(addresses: readonly Address[], attributes: Attributes): Resolver {
  return {
    name: "registry",
    watch(_, listener) {
      queueMicrotask(() => listener.onResolution({ endpoints: [{ addresses, attributes }] }));
      return { refresh: () => undefined, close: () => undefined };
    },
  };
}

describe("a hostile text of a registry, in", () => {
  const here = { host: "127.0.0.1", port: 1 };

  for (const [what, address] of Object.entries({
    "a host": { host: hostile, port: 1 },
    "the host of a wrong port": { host: hostile, port: 70_000 },
    "a path": { path: `/run/${hostile}` },
  })) {
    it(`${what}, makes it no address, and is text in each output`, async () => {
      const { seen, message } = await assertHarmless({ resolver: saying([address], noAttributes) });
      assert.match(
        message,
        /cannot resolve echo\.test: the (host|path) .* has characters that are not shown as they are/,
      );
      assert.ok(seen > 0);
    });
  }

  it("a zone and a name, is text in each output", async () => {
    const attributes = noAttributes.with(endpointZone, hostile).with(endpointHostname, hostile);
    const { seen } = await assertHarmless({ resolver: saying([here], attributes) });
    assert.ok(seen > 0);
  });

  it("an error, its name and its code, is text in each output", async () => {
    const error = Object.assign(new Error(hostile), { name: hostile, code: hostile });
    const resolver: Resolver = {
      name: "registry",
      watch(_, listener) {
        queueMicrotask(() => listener.onError(error));
        return { refresh: () => undefined, close: () => undefined };
      },
    };
    assert.ok((await assertHarmless({ resolver })).seen > 0);
  });

  it("a TXT record, is text in each output", async (t) => {
    const dns = await fakeDns();
    t.after(() => dns.close());
    dns.set("echo.test", { addresses: ["127.0.0.1"] });
    dns.set("_grpc_config.echo.test", { texts: [`grpc_config=${hostile}`] }, "TXT");
    const resolver = dnsResolver({ servers: [dns.address], serviceConfig: true });
    assert.ok((await assertHarmless({ resolver, baseUrl: "http://echo.test:1" })).seen > 0);
  });

  it("a refusal of Consul or of Kubernetes, is text in each output", async (t) => {
    const refusing = createServer((_, response) => {
      response.writeHead(403, { "content-type": "application/json", "retry-after": "1" });
      response.end(JSON.stringify({ kind: "Status", code: 403, reason: hostile, message: hostile }) + hostile);
    });
    await new Promise<void>((resolve) => refusing.listen(0, "127.0.0.1", resolve));
    t.after(() => new Promise((resolve) => refusing.close(resolve).closeAllConnections()));
    const server = `http://127.0.0.1:${(refusing.address() as AddressInfo).port}`;
    const consul = consulResolver({ url: server, service: "echo" });
    assert.ok((await assertHarmless({ resolver: consul })).seen > 0);
    const kubernetes = kubernetesResolver({ server, namespace: "a", service: "echo", port: 1 });
    assert.ok((await assertHarmless({ resolver: kubernetes })).seen > 0);
  });
});
