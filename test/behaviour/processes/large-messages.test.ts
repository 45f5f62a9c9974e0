// What large messages take outside of V8's heap, counted in a process that does nothing else: a collection of garbage can
// make a count smaller, so that the largest of several is the true one.
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { type ConnectEchoBackend, startConnectEcho } from "../../support/echo-server.ts";
import { checkForLeaks } from "../../support/leaks.ts";
import { runScript } from "../../support/processes.ts";

checkForLeaks();

const isOwnEngine = process.env.GLINK_TEST_ENGINE !== "node";

describe("memory of large messages", { skip: !isOwnEngine && "node:http2 has memory of its own" }, () => {
  let backend: ConnectEchoBackend;

  before(async () => {
    backend = await startConnectEcho();
  });
  after(() => backend.close());

  /** Runs a program and returns what it prints, which is JSON. */
  async function measured<T>(body: string): Promise<T> {
    const { stdout, stderr } = await runScript(`
      import { create } from "@bufbuild/protobuf";
      import { createClient } from "@connectrpc/connect";
      import { ClientStreamRequestSchema, EchoService } from "./proto/gen/glink/demo/v1/echo_pb.js";
      import { glinkTransport } from "./src/index.js";
      import { setFlagsFromString } from "node:v8";
      import { runInNewContext } from "node:vm";
      setFlagsFromString("--expose-gc");
      const collect = runInNewContext("gc");
      const transport = glinkTransport({ baseUrl: "http://${backend.address}" });
      const client = createClient(EchoService, transport);
      const requestOf = (size) => create(ClientStreamRequestSchema, { payload: new Uint8Array(size).fill(1) });
      async function* one(request) {
        yield request;
      }
      const upload = (request) => client.clientStream(one(request));
      const download = (size) => client.unary({ responseBytes: size });
      ${body}
      await transport.close();
    `);
    assert.equal(stderr, "");
    return JSON.parse(stdout) as T;
  }

  test("a message with large bytes takes its size once when it is sent, and once or twice when it is read", async () => {
    const counts = await measured<{ size: number; sent: number; read: number }[]>(`
      const allocated = async (work) => {
        let most = 0;
        for (let i = 0; i < 3; i++) {
          // Memory is let go while the program runs on: the second collection finds that done.
          collect();
          collect();
          const before = process.memoryUsage().arrayBuffers;
          await work();
          most = Math.max(most, process.memoryUsage().arrayBuffers - before);
        }
        return most;
      };
      // A connection's first calls make what it keeps.
      for (let i = 0; i < 2; i++) await Promise.all([upload(requestOf(65_540)), download(65_540)]);
      const counts = [];
      for (const size of [65_540, 1_048_576]) {
        const request = requestOf(size);
        const sent = await allocated(() => upload(request));
        const read = await allocated(() => download(size));
        counts.push({ size, sent: sent / size, read: read / size });
      }
      console.log(JSON.stringify(counts));
    `);
    for (const { size, sent, read } of counts) {
      // Beside them a slab of frames' headers or two, which is half of 64 KiB.
      const slabs = 49_152 / size;
      assert.ok(sent >= 1 && sent < 1 + slabs, `${size} bytes: ${sent} of them allocated to send them`);
      // Of a message above 128 KiB a sixteenth has to come before all of it is allocated.
      const grown = size > 131_072 ? 0.5 : 0;
      assert.ok(read >= 1 && read < 1 + grown + slabs, `${size} bytes: ${read} of them allocated to read them`);
    }
  });

  test("a call with a message of 24 MiB takes at most two and a half times as much at its peak, each way", async () => {
    const { sent, read } = await measured<{ sent: number; read: number }>(`
      const size = 24 * 2 ** 20;
      const request = requestOf(size);
      await client.unary({});
      const peak = async (work) => {
        collect();
        const before = process.memoryUsage.rss();
        await work();
        return (process.resourceUsage().maxRSS * 1_024 - before) / size;
      };
      const sent = await peak(() => upload(request));
      const read = await peak(() => download(size));
      console.log(JSON.stringify({ sent, read }));
    `);
    assert.ok(sent <= 2.5, `${sent} times the message that is sent`);
    assert.ok(read <= 2.5, `${read} times the message that is read`);
  });
});
