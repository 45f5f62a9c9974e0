// What a server writes must not write into our logs, and what it answers to a call is the caller's alone.
import assert from "node:assert/strict";
import { test } from "node:test";
import { createClient } from "@connectrpc/connect";
import { EchoService } from "../../../proto/gen/glink/demo/v1/echo_pb.js";
import type { GlinkEvent, Logger, Resolver } from "../../../src/index.ts";
import type { FramePeerOptions, PeerRequest } from "../../support/frame-peer.ts";
import { checkForLeaks } from "../../support/leaks.ts";
import { tryUnary, until, withPeer } from "./fault-call.ts";

checkForLeaks();

const hostile = "ok\nERROR forged \x1b[31m\x9b2J\u202e";
/** The same as a field's value may carry it: HTTP/2 lets no line break through. */
const hostileValue = "ok ERROR forged \x1b[31m\x9b2J";
// biome-ignore lint/suspicious/noControlCharactersInRegex: these are what must not come through.
const unsafe = /[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e]/;

/** All that a logger and a subscriber are given. */
class Witness {
  readonly lines: string[] = [];
  readonly events: GlinkEvent[] = [];
  readonly logger: Logger;

  constructor() {
    const write = (fields: object, message: string) => this.lines.push(message, JSON.stringify(fields));
    this.logger = { debug: write, info: write, warn: write, error: write };
  }

  get text(): string {
    return [...this.lines, JSON.stringify(this.events)].join("");
  }
}

const answers: Record<string, [script: FramePeerOptions, shown: RegExp]> = {
  "debug data of a GOAWAY": [
    { onRequest: ({ connection, id }) => connection.goaway(id, 2, hostile) },
    /GOAWAY INTERNAL_ERROR .*: ok\\nERROR forged \\x1b\[31m\\x9b2J\\u202e/,
  ],
  "an HTTP/1.1 answer": [
    { settings: false, onConnection: ({ socket }) => socket.end(`HTTP/1.1 200 ${hostile}\r\n\r\n`) },
    /it answered "HTTP\/1\.1 200 ok\\nERROR forged \\x1b\[31m/,
  ],
  "a content type": [
    { onRequest: (request) => request.headers([":status", "200", "content-type", hostileValue]) },
    /content type ok ERROR forged \\x1b\[31m\\x9b2J/,
  ],
  "a grpc-status": [
    { onRequest: (request) => trailersOnly(request, ["grpc-status", hostileValue]) },
    /invalid grpc-status: ok ERROR forged \\x1b\[31m\\x9b2J/,
  ],
  "an encoding": [
    {
      onRequest: (request) => {
        request.headers([":status", "200", "content-type", "application/grpc", "grpc-encoding", hostileValue]);
        request.message();
        request.trailers();
      },
    },
    /encoding "ok ERROR forged \\x1b\[31m\\x9b2J"/,
  ],
};

for (const [what, [script, shown]] of Object.entries(answers)) {
  test(`${what} that forges a line and writes to the terminal is shown with visible escapes, in errors, logs and events`, async () => {
    const witness = new Witness();
    await withPeer(
      script,
      async (transport) => {
        transport.subscribe((event) => witness.events.push(event));
        const { message } = await tryUnary(transport);
        // node:http2 reads fields and HTTP/1.1 in a way of its own; whatever it makes of them is safe.
        if (process.env.GLINK_TEST_ENGINE !== "node") assert.match(message, shown);
        assert.doesNotMatch(message, unsafe);
      },
      { logger: witness.logger },
    );
    assert.ok(witness.lines.length > 0);
    for (const line of witness.lines) assert.doesNotMatch(line, unsafe);
    assert.doesNotMatch(JSON.stringify(witness.events), unsafe);
  });
}

test("an error of a resolver that quotes what its server said is shown with visible escapes", async () => {
  const witness = new Witness();
  const resolver: Resolver = {
    name: "registry",
    watch: (_, listener) => {
      listener.onError(new Error(`the registry answered ${hostile}`));
      return { refresh: () => undefined, close: () => undefined };
    },
  };
  await withPeer(
    {},
    async (transport) => {
      const { message } = await tryUnary(transport, { timeoutMs: 2_000 });
      assert.match(message, /the registry answered ok\\nERROR forged \\x1b\[31m/);
      assert.doesNotMatch(message, unsafe);
    },
    { resolver, logger: witness.logger },
  );
  assert.ok(witness.lines.length > 0);
  for (const line of witness.lines.filter((_, i) => i % 2 === 0)) assert.doesNotMatch(line, unsafe);
});

test("debug data of 16 KB takes 200 characters of a log line", async () => {
  const witness = new Witness();
  await withPeer(
    { onRequest: ({ connection, id }) => connection.goaway(id, 2, "x".repeat(16_000)) },
    async (transport) => {
      await tryUnary(transport);
      await until(() => witness.text.includes("x…"), "it is logged");
    },
    { logger: witness.logger },
  );
  for (const line of witness.lines) assert.doesNotMatch(line, /x{201}/);
});

test("the message, trailers and metadata of a call reach its caller, and no log, event or snapshot", async () => {
  const witness = new Witness();
  const secret = /hunter2/;
  await withPeer(
    {
      onRequest: (request) =>
        trailersOnly(request, ["grpc-status", "14", "grpc-message", "card hunter2 refused", "x-secret", "hunter2"]),
    },
    async (transport) => {
      transport.subscribe((event) => witness.events.push(event));
      const client = createClient(EchoService, transport);
      await assert.rejects(
        client.unary({ text: "hunter2" }, { headers: { "x-token": "hunter2" } }),
        /card hunter2 refused/,
      );
      const failed = witness.events.filter((event) => event.type === "attempt-failed");
      assert.equal(failed.length, 3);
      for (const { error } of failed) assert.equal(error.message, "the server answered with the status Unavailable");
      assert.doesNotMatch(JSON.stringify(transport.snapshot()), secret);
    },
    { logger: witness.logger },
  );
  assert.match(witness.text, /attempt 1 of .*Unavailable/);
  assert.doesNotMatch(witness.text, secret);
});

function trailersOnly(request: PeerRequest, fields: readonly string[]): void {
  request.trailers([":status", "200", "content-type", "application/grpc", ...fields]);
}
