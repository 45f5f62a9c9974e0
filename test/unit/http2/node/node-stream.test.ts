import assert from "node:assert/strict";
import { once } from "node:events";
import { connect, createServer } from "node:http2";
import type { AddressInfo } from "node:net";
import { test } from "node:test";
import { http2ErrorCode } from "../../../../src/http2/error-codes.ts";
import { NodeStream, type StreamConnection } from "../../../../src/http2/node/node-stream.ts";
import { deafListener } from "../../../support/fake-connector.ts";
import { checkForLeaks } from "../../../support/leaks.ts";

checkForLeaks();

// Microtasks run between two callbacks of nghttp2. A stream that was closed in one made nghttp2 send while it was
// receiving, and some of these sends never ended: the process spun, and its memory grew.
test("the process spins after a reset: a stream is reset in a turn of the event loop of its own", async () => {
  const server = createServer();
  server.on("stream", (stream) => stream.on("error", () => undefined));
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const session = connect(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
  await once(session, "connect");
  const later: (() => void)[] = [];
  const host: StreamConnection = {
    responsesRead: 0,
    address: "127.0.0.1:1",
    failureOfUnsent: undefined,
    failureOf: () => undefined,
    failureOfBareReset: (judged) => judged(undefined),
    afterInput: (callback) => later.push(callback),
    streamClosed: () => undefined,
  };
  try {
    const inner = session.request({ ":path": "/", ":method": "POST" }, { endStream: false });
    const closed = once(inner, "close");
    const stream = new NodeStream(host, inner, deafListener);
    stream.reset(http2ErrorCode.cancel);
    await Promise.resolve();
    assert.deepEqual([inner.closed, later.length], [false, 1]);
    later[0]?.();
    assert.equal(inner.closed, true);
    await closed;
    assert.equal(inner.rstCode, http2ErrorCode.cancel);
  } finally {
    session.destroy();
    server.close();
  }
});
