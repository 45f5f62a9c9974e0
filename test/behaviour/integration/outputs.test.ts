import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { after, test } from "node:test";
import { Code, createClient } from "@connectrpc/connect";
import { EchoService } from "../../../proto/gen/glink/demo/v1/echo_pb.js";
import { consulResolver } from "../../../src/consul/index.ts";
import {
  endpointHostname,
  endpointZone,
  type GlinkTransportOptions,
  glinkTransport,
  noAttributes,
  type Resolver,
  staticResolver,
} from "../../../src/index.ts";
import { kubernetesResolver } from "../../../src/kubernetes/index.ts";
import { everyOutput, type Outputs, textsOf } from "../../support/every-output.ts";
import { startFramePeer } from "../../support/frame-peer.ts";
import { hostileTexts } from "../../support/hostile-texts.ts";
import { checkForLeaks } from "../../support/leaks.ts";
import { until } from "../../support/load.ts";
import { answer, errorOf, failTrailersOnly, inTurn, startFleet } from "../../unit/calls/scripted-server.ts";

checkForLeaks();

/** Runs `work` with a transport all of whose outputs are kept. */
async function withOutputs(
  options: Omit<GlinkTransportOptions, "baseUrl">,
  work: (client: ReturnType<typeof createClient<typeof EchoService>>, outputs: Outputs) => Promise<void>,
): Promise<Record<string, unknown>> {
  const outputs = everyOutput();
  const { instrumentation, logger } = outputs;
  const transport = glinkTransport({ baseUrl: "http://echo.test", ...options, instrumentation, logger });
  try {
    outputs.watch(transport);
    await work(createClient(EchoService, transport), outputs);
    return await outputs.read();
  } finally {
    outputs.stop();
    await transport.close({ timeoutMs: 0 });
  }
}

/** `read`: what each output says. */
function assertNoSecret(read: Record<string, unknown>): void {
  for (const [output, value] of Object.entries(read)) {
    const secrets = textsOf(value)
      .join("\n")
      .match(/secret-\w*/g);
    assert.deepEqual(secrets, null, output);
  }
}

test("metadata, messages, trailers, texts of statuses and reasons are in no output at all", async () => {
  const fail = failTrailersOnly(Code.Unavailable, { "grpc-message": "secret-status", "x-trailer": "secret-trailer" });
  const never = () => undefined;
  const fleet = await startFleet(1, inTurn(fail, fail, answer("secret-response"), never));
  after(() => fleet.close());
  const resolver = staticResolver([...fleet.addresses]);
  const retry = { maxAttempts: 2, initialBackoffMs: 1 };
  const read = await withOutputs({ resolver, retry }, async (client) => {
    const headers = { authorization: "Bearer secret-token", cookie: "secret-cookie", "x-other": "secret-header" };
    assert.match((await errorOf(client.unary({ text: "secret-request" }, { headers }))).message, /secret-status/);
    await client.unary({ text: "secret-request" }, { headers });
    await errorOf(client.unary({}, { headers, signal: AbortSignal.abort(new Error("secret-reason")) }));
    for (const name of ["Error", "TimeoutError"]) {
      const leaving = new AbortController();
      const before = fleet.calls.length;
      const call = errorOf(client.unary({}, { headers, signal: leaving.signal }));
      await until("the server has the call", () => fleet.calls.length > before);
      leaving.abort(Object.assign(new Error("secret-reason"), { name }));
      await call;
    }
    await errorOf(client.unary({ behavior: { delayMs: "secret-number" as never } }));
    await errorOf(client.unary({}, { headers: { "x-bad": "secret-\u0000value" } }));
  });
  assertNoSecret(read);
  // Each of them tells of these calls, or this test would say nothing.
  for (const [output, value] of Object.entries(read)) {
    assert.match(textsOf(value).join("\n"), /EchoService|echo\.test|127\.0\.0\.1/, output);
  }
});

test("credentials of a proxy and of a registry, and what a registry answers to them, are in no output at all", async () => {
  const asked = new Set<string>();
  const refusing = createServer((request, response) => {
    asked.add(request.headers["x-consul-token"] === undefined ? "kubernetes" : "consul");
    assert.match(`${request.headers.authorization}${request.headers["x-consul-token"]}`, /secret-token/);
    response.writeHead(403, { "content-type": "application/json", "x-secret": "secret-header" }).end("{}");
  }).listen(0, "127.0.0.1");
  await once(refusing, "listening");
  after(() => refusing.close().closeAllConnections());
  const server = `http://127.0.0.1:${(refusing.address() as AddressInfo).port}`;
  const credentials: Record<string, Omit<GlinkTransportOptions, "baseUrl">> = {
    proxy: { proxy: "http://user:secret-proxy@127.0.0.1:1", resolver: staticResolver(["127.0.0.1:2"]) },
    consul: { resolver: consulResolver({ url: server, service: "echo", token: "secret-token" }) },
    kubernetes: {
      resolver: kubernetesResolver({ server, namespace: "a", service: "echo", port: 1, token: "secret-token" }),
    },
  };
  for (const options of Object.values(credentials)) {
    const read = await withOutputs(options, async (client) => {
      await errorOf(client.unary({}, { timeoutMs: 500 }));
    });
    assertNoSecret(read);
  }
  assert.deepEqual([...asked], ["consul", "kubernetes"]);
});

/** What a terminal would obey, and what would forge a line of a log or of a scrape. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: that is what is looked for.
const obeyed = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u2028\u2029\u202a-\u202e\u2066-\u2069]/;

/** Elements of the hostile texts that the page has none of. */
const markup =
  /<(?:img|iframe|base|math|form|style|meta http|svg\/|svg>|script>|link rel=stylesheet|a href="javascript)/i;

test("hostile texts of a server and a resolver break no line, no page, no scrape and no stream", async () => {
  const texts = [...hostileTexts, `<script>${"\u001b[2J".repeat(200_000)}</script>`];
  let next = 0;
  const peer = await startFramePeer({
    onRequest: (request) => request.connection.goaway(request.id, 2, texts[next++ % texts.length]?.slice(0, 16_000)),
  });
  const [host = "", port = ""] = peer.address.split(":");
  after(() => peer.close());
  for (const text of texts) {
    const attributes = noAttributes.with(endpointZone, text).with(endpointHostname, text);
    const endpoint = { addresses: [{ host, port: Number(port) }], attributes };
    const resolver: Resolver = {
      name: text,
      watch(_target, listener) {
        queueMicrotask(() => listener.onResolution({ endpoints: [endpoint] }));
        return { refresh: () => undefined, close: () => undefined };
      },
    };
    const read = await withOutputs({ resolver, retry: false }, async (client) => {
      await errorOf(client.unary({}, { timeoutMs: 2_000 }));
    });
    const told = { logged: read.logged, events: read.events, spans: read.spans, metrics: read.metrics };
    const label = JSON.stringify(text.slice(0, 60));
    for (const one of textsOf(told)) assert.doesNotMatch(one, obeyed, label);
    const { page, stream, prometheus } = read as Record<string, string>;
    assert.doesNotMatch(page ?? "", markup, label);
    const events = (stream ?? "").split("\n\n").filter((event) => event.startsWith("event:"));
    for (const event of events) {
      const [name, data, ...more] = event.split("\n");
      assert.deepEqual([name, more], ["event: parts", []], label);
      JSON.parse((data ?? "").slice("data: ".length));
    }
    const series = /^[a-z_]+\{(?:[a-z_]+="(?:[^"\\\n]|\\[\\"n])*",?)*\} [\d.e+-]+$/;
    for (const line of (prometheus ?? "").trimEnd().split("\n")) {
      if (!line.startsWith("# ")) assert.match(line, series, label);
    }
  }
});
