import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import type { IncomingHttpHeaders, ServerHttp2Stream } from "node:http2";
import { join } from "node:path";
import { test } from "node:test";
import { createConnectTransport } from "@connectrpc/connect-node";
import type { GlinkTransportOptions } from "../../../src/index.ts";
import { framed } from "../../support/framed.ts";
import { checkForLeaks } from "../../support/leaks.ts";
import { pureMethod } from "../../support/pure-method.ts";
import { glinkTransport } from "../../support/transport.ts";
import { collect, startOddPeer } from "../integration/calls-harness.ts";
import { type EchoClient, type OtherProtocol, type SharedOptions, sideBySide } from "./protocol-transports.ts";
import { codeOf, errorOf } from "./transports.ts";

/* Each row of the table in docs/protocols.md, run against both transports, as differences.test.ts does. */

checkForLeaks();

type Outcome = readonly [original: string, own: string];
type Answer = (stream: ServerHttp2Stream, headers: IncomingHttpHeaders, requests: number) => void;

interface Situation {
  readonly protocol: OtherProtocol;
  readonly answer: Answer;
  readonly observe?: (client: EchoClient) => Promise<string>;
  readonly options?: Partial<SharedOptions>;
  readonly own?: Partial<GlinkTransportOptions>;
}

const unaryCode = (client: EchoClient) => codeOf(client.unary({}));
const streamCode = (client: EchoClient) => codeOf(collect(client.serverStream({})));

/** To a peer that answers so. */
async function withAnswer({ protocol, answer, observe = unaryCode, options, own }: Situation): Promise<Outcome> {
  const peer = await startOddPeer((stream, headers) => answer(stream, headers, peer.requests.length));
  try {
    return await sideBySide(protocol, { baseUrl: `http://${peer.address}`, ...options }, observe, own);
  } finally {
    await peer.close();
  }
}

/** An answer with this head and body. */
function canned(head: Record<string, string | number>, body: string | Uint8Array = ""): Answer {
  return (stream) => {
    stream.respond(head);
    stream.end(body);
  };
}

const json = { "content-type": "application/json" };
const connectStream = { ":status": 200, "content-type": "application/connect+proto" };
const grpcWeb = { ":status": 200, "content-type": "application/grpc-web+proto" };

function flagged(flag: number, text: string): Uint8Array {
  const bytes = framed(Buffer.from(text));
  bytes[0] = flag;
  return bytes;
}

/** What the peer saw of a GET, on each transport. */
async function ofGet(text: string, look: (headers: IncomingHttpHeaders) => string): Promise<Outcome> {
  const seen: string[] = [];
  const peer = await startOddPeer((stream, headers) => {
    seen.push(look(headers));
    stream.respond({ ":status": 200, "content-type": "application/proto" }, { endStream: true });
  });
  const options = { baseUrl: `http://${peer.address}`, useHttpGet: true };
  try {
    await sideBySide("connect", options, async (_, transport) => {
      await transport.unary(pureMethod, undefined, undefined, undefined, { text });
    });
  } finally {
    await peer.close();
  }
  return [seen[0] ?? "", seen[1] ?? ""];
}

const situations: Record<string, () => Promise<Outcome>> = {
  '`httpVersion: "1.1"`': async () => {
    const baseUrl = "http://127.0.0.1:1";
    const make = (create: () => unknown) => {
      try {
        create();
        return "accepted";
      } catch (error) {
        return (error as Error).name;
      }
    };
    const old = { baseUrl, httpVersion: "1.1" as never };
    return [make(() => createConnectTransport(old)), make(() => glinkTransport({ ...old, protocol: "connect" }))];
  },
  "a GET whose URL would have 20 000 characters": () =>
    ofGet("a".repeat(15_000), (headers) => String(headers[":method"])),
  "`accept-encoding` of a GET": () => ofGet("a", (headers) => String(headers["accept-encoding"] ?? "not sent")),
  "a stream of Connect's that ends without its status": () =>
    withAnswer({ protocol: "connect", observe: streamCode, answer: canned(connectStream) }),
  "a last message of a stream of Connect's that is no JSON as Connect has it": () =>
    withAnswer({ protocol: "connect", observe: streamCode, answer: canned(connectStream, flagged(2, "no JSON")) }),
  "a JSON response by Connect that does not fit the schema": () =>
    withAnswer({
      protocol: "connect",
      options: { useBinaryFormat: false },
      answer: canned({ ":status": 200, ...json }, '{"text":5}'),
    }),
  "an error of Connect's with a detail that is broken": () =>
    withAnswer({
      protocol: "connect",
      answer: canned({ ":status": 503, ...json }, '{"code":"not_found","message":"gone","details":[{"type":5}]}'),
      observe: async (client) => {
        const call = client.unary({});
        const text = (await errorOf(call))?.rawMessage.replace(/ \(.*\)$/, "");
        return `${await codeOf(call)}, ${text}`;
      },
    }),
  "an error of Connect's in an encoding that nobody knows, with HTTP 503": () =>
    withAnswer({
      protocol: "connect",
      answer: canned({ ":status": 503, ...json, "content-encoding": "zstd" }, '{"code":"not_found"}'),
    }),
  "an error of Connect's that says unavailable, and `Retry-After: 0`, with default options": async () => {
    const attempts: string[] = [];
    let seen = 0;
    const answer: Answer = (stream) => {
      seen++;
      stream.respond({ ":status": seen % 2 === 1 ? 503 : 200, "content-type": "application/json", "retry-after": "0" });
      stream.end('{"code":"unavailable"}');
    };
    await withAnswer({
      protocol: "connect",
      options: { useBinaryFormat: false, jsonOptions: { ignoreUnknownFields: true } },
      own: {},
      answer,
      observe: async (client) => {
        seen = 0;
        await unaryCode(client);
        attempts.push(`${seen} ${seen === 1 ? "attempt" : "attempts"}`);
        return "";
      },
    });
    return [attempts[0] ?? "", attempts[1] ?? ""];
  },
  "a page of HTML with HTTP 200, by gRPC-Web": () =>
    withAnswer({
      protocol: "grpc-web",
      answer: canned({ ":status": 200, "content-type": "text/html" }, "<!doctype html><h1>hello</h1>"),
    }),
  "HTTP 503 whose headers say `grpc-status: 8`, by gRPC-Web": () =>
    withAnswer({ protocol: "grpc-web", answer: canned({ ...grpcWeb, ":status": 503, "grpc-status": "8" }) }),
  "trailers of gRPC-Web whose lines end with LF alone": () =>
    withAnswer({
      protocol: "grpc-web",
      answer: canned(grpcWeb, Buffer.concat([framed(new Uint8Array(0)), flagged(0x80, "grpc-status: 0\nx-a: 1\n")])),
    }),
  "`x-user-agent` among the caller's headers, by gRPC-Web": async () => {
    const agents: string[] = [];
    const answer: Answer = (stream, headers) => {
      agents.push(String(headers["x-user-agent"]).replace(/\/.*/, ""));
      stream.respond({ ":status": 503 }, { endStream: true });
    };
    const headers = { "x-user-agent": "mine" };
    await withAnswer({ protocol: "grpc-web", answer, observe: (client) => codeOf(client.unary({}, { headers })) });
    return [agents[0] ?? "", agents[1] ?? ""];
  },
};

/** The rows of the table: situation, and what the document says of either transport. */
function documented(): Map<string, Outcome> {
  const text = readFileSync(join(import.meta.dirname, "../../../docs/protocols.md"), "utf8");
  const table = text.slice(text.indexOf("## Differences"));
  const rows = Array.from(
    table.matchAll(/^\| (.+?) \| (.+?) \| (.+?) \| .+ \|$/gm),
    ([, name = "", left = "", right = ""]) => [name, [left, right]] as const,
  );
  return new Map(rows.filter(([name]) => name !== "situation"));
}

test("every row of the differences in docs/protocols.md is run here, and nothing else is", () => {
  assert.deepEqual([...documented().keys()].sort(), Object.keys(situations).sort());
});

for (const [name, run] of Object.entries(situations)) {
  test(`docs/protocols.md says what happens: ${name}`, async () => {
    assert.deepEqual(await run(), documented().get(name));
  });
}
