// Request streams whose next message is always there, to a peer that has room for all of it.
import assert from "node:assert/strict";
import { createServer } from "node:http2";
import type { AddressInfo } from "node:net";
import { test } from "node:test";
import { Code, ConnectError, createClient } from "@connectrpc/connect";
import { EchoService } from "../../../proto/gen/glink/demo/v1/echo_pb.js";
import { checkForLeaks } from "../../support/leaks.ts";
import { glinkTransport } from "../../support/transport.ts";

checkForLeaks();

/** A server that never stops its peers, and never answers. */
async function startSink() {
  const windowBytes = 2 ** 30;
  const server = createServer({ settings: { initialWindowSize: windowBytes } });
  server.on("session", (session) => {
    session.setLocalWindowSize(windowBytes);
    session.on("error", () => undefined);
  });
  server.on("stream", (stream) => {
    stream.on("error", () => undefined);
    stream.resume();
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return { server, baseUrl: `http://127.0.0.1:${(server.address() as AddressInfo).port}` };
}

for (const [what, messageBytes, streams, mostInATurn] of [
  ["empty messages", 0, 1, 5_000],
  ["messages of 64 KiB", 65_536, 1, 8],
  ["messages of 64 KiB on 20 streams", 65_536, 20, 40],
] as const) {
  test(`the event loop turns while ${what} are always there, and a deadline is noticed`, async () => {
    const { server, baseUrl } = await startSink();
    const transport = glinkTransport({ baseUrl });
    try {
      await transport.ready();
      const client = createClient(EchoService, transport);
      const payload = new Uint8Array(messageBytes);
      let sent = 0;
      let most = 0;
      let ended = false;
      const turn = () => {
        most = Math.max(most, sent);
        sent = 0;
        if (!ended) setImmediate(turn);
      };
      setImmediate(turn);
      async function* messages() {
        // Far more than what fits before the deadline, and an end for a client that never notices it.
        for (let i = 0; i < 1_000_000 && !ended; i++) {
          sent++;
          yield { payload };
        }
      }
      const calls = Array.from({ length: streams }, () =>
        client.clientStream(messages(), { timeoutMs: 300 }).catch((error: unknown) => error),
      );
      for (const error of await Promise.all(calls)) {
        assert.ok(error instanceof ConnectError, String(error));
        assert.equal(error.code, Code.DeadlineExceeded);
      }
      ended = true;
      assert.ok(most <= mostInATurn, `${most} messages in one turn`);
    } finally {
      await transport.close({ timeoutMs: 0 });
      await new Promise((resolve) => server.close(resolve));
    }
  });
}
