import assert from "node:assert/strict";
import { test } from "node:test";
import { createClient } from "@connectrpc/connect";
import { EchoService } from "../../../proto/gen/glink/demo/v1/echo_pb.js";
import { staticResolver } from "../../../src/index.ts";
import { startConnectEcho, startGrpcJsEcho } from "../../support/echo-server.ts";
import { checkForLeaks } from "../../support/leaks.ts";
import { glinkTransport } from "../../support/transport.ts";

checkForLeaks();

test("calls of every kind reach a connect-node and a grpc-js backend in turn", async () => {
  const backends = [await startConnectEcho(), await startGrpcJsEcho()];
  const transport = glinkTransport({
    baseUrl: "http://echo.test:50051",
    resolver: staticResolver(backends.map(({ address }) => address)),
  });
  const client = createClient(EchoService, transport);
  try {
    await transport.ready();
    for (let round = 0; round < 4; round++) {
      assert.equal((await client.unary({ text: "hello" }, { timeoutMs: 2_000 })).text, "hello");
      let received = 0;
      for await (const message of client.serverStream({ text: "s", count: 20 }))
        assert.equal(message.index, received++);
      assert.equal(received, 20);
      assert.equal((await client.clientStream(requests(10))).count, 10);
      const echoed: string[] = [];
      for await (const { text } of client.bidi(requests(10))) echoed.push(text);
      assert.deepEqual(echoed, ["0", "1", "2", "3", "4", "5", "6", "7", "8", "9"]);
    }
    for (const { counters } of backends) assert.ok(counters.executions > 0);
  } finally {
    await transport.close();
    for (const backend of backends) await backend.close();
  }
});

async function* requests(count: number) {
  for (let i = 0; i < count; i++) yield { text: String(i) };
}
