import assert from "node:assert/strict";
import { connect, type Socket } from "node:net";
import { test } from "node:test";
import { type Client, createClient, createContextValues } from "@connectrpc/connect";
import { EchoService } from "../../../proto/gen/glink/demo/v1/echo_pb.js";
import { type GlinkCallOptions, glinkCall, glinkTransport } from "../../../src/index.ts";
import { startConnectEcho } from "../../support/echo-server.ts";
import { checkForLeaks } from "../../support/leaks.ts";
import { collect, yielding } from "./calls-harness.ts";

/*
 * A connection can end in the turn in which requests were given to it. What had not left by then reached nobody. Only
 * the own engine can tell: node:http2 does not say what it has written.
 */

checkForLeaks();

const calls: Record<string, (client: Client<typeof EchoService>, options: object) => Promise<unknown>> = {
  unary: (client, options) => client.unary({}, options),
  "server-streaming": (client, options) => collect(client.serverStream({ count: 1 }, options)),
  "client-streaming": (client, options) => client.clientStream(yielding({ text: "a" }, { text: "b" }), options),
  bidi: (client, options) => collect(client.bidi(yielding({ text: "a" }), options)),
};

for (const retry of [false, {}] as const) {
  for (const [kind, call] of Object.entries(calls)) {
    test(`40 ${kind} calls that never left a lost connection are sent on another, with retry: ${JSON.stringify(retry)}`, async () => {
      const backend = await startConnectEcho();
      const sockets: Socket[] = [];
      const createConnection = ({ hostname, port }: URL) => {
        const socket = connect(Number(port), hostname);
        sockets.push(socket);
        return socket;
      };
      const baseUrl = `http://${backend.address}`;
      const transport = glinkTransport({ baseUrl, http2: "wire", retry, nodeOptions: { createConnection } });
      const client = createClient(EchoService, transport);
      const progress: (string | undefined)[] = [];
      const options: GlinkCallOptions = { onAttempt: (report) => progress.push(report.progress) };
      try {
        await client.unary({});
        const contextValues = createContextValues().set(glinkCall, options);
        const under = Array.from({ length: 40 }, () => call(client, { contextValues }));
        // The messages of streams are read in microtasks.
        await Promise.resolve();
        for (const socket of sockets) socket.destroy(new Error("the network is gone"));
        const outcomes = await Promise.allSettled(under);
        assert.equal(outcomes.filter(({ status }) => status === "rejected").length, 0);
        assert.deepEqual(progress.sort(), [...Array(40).fill("unsent"), ...Array(40).fill(undefined)]);
        assert.equal(sockets.length, 2);
      } finally {
        await transport.close();
        await backend.close();
      }
    });
  }
}
