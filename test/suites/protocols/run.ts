import { createClient } from "@connectrpc/connect";
import { EchoService } from "../../../proto/gen/glink/demo/v1/echo_pb.js";
import { glinkTransport } from "../../../src/index.ts";
import { chosenEngines, type EngineName } from "../../support/engines.ts";
import { checkBadGateway, checks } from "./checks.ts";
import { type ProtocolName, type Server, servers } from "./servers.ts";
import { type Way, ways } from "./ways.ts";

/*
 * npm run protocols [-- --engine node|wire|both]
 * Calls of each kind in each protocol, to servers of connect-go, grpc-go and connect-node, directly and through nginx,
 * haproxy and Envoy, one of whose filters translates gRPC-Web. What cannot be had here is skipped. Default: both engines.
 */

const engines = chosenEngines("both");
let passed = 0;
let failed = 0;

/** Makes the checks in one protocol, and returns what went wrong. */
async function judge(engine: EngineName, protocol: ProtocolName, way: Way, port: number, format: object) {
  const retry = { initialBackoffMs: 1, maxBackoffMs: 5 };
  const transport = glinkTransport({
    http2: engine,
    baseUrl: `http://127.0.0.1:${port}`,
    protocol,
    retry,
    ...format,
    ...(protocol === "connect" ? { useHttpGet: true } : {}),
  });
  const client = createClient(EchoService, transport);
  const wrong: string[] = [];
  try {
    for (const [name, check] of Object.entries(checks)) {
      try {
        await check(client, { transport, fullDuplex: way.fullDuplex });
        passed++;
      } catch (error) {
        wrong.push(`${name}: ${error instanceof Error ? error.message : error}`);
      }
    }
  } finally {
    await transport.close({ timeoutMs: 0 });
  }
  return wrong;
}

/** What a proxy says for a server that is gone. */
async function judgeBadGateway(protocol: ProtocolName, port: number): Promise<string> {
  const transport = glinkTransport({ baseUrl: `http://127.0.0.1:${port}`, protocol, retry: false });
  try {
    return await checkBadGateway(createClient(EchoService, transport));
  } finally {
    await transport.close({ timeoutMs: 0 });
  }
}

async function run(server: Server, way: Way): Promise<void> {
  const running = await server.start();
  const open = await way.open(running);
  try {
    for (const protocol of way.protocols(server)) {
      for (const engine of engines) {
        for (const useBinaryFormat of server.protocols.includes("connect") && engine === "wire"
          ? [true, false]
          : [true]) {
          const label = `${server.name} ${way.name}, ${protocol}${useBinaryFormat ? "" : " in JSON"}, ${engine} engine`;
          const begunMs = performance.now();
          const before = passed;
          const wrong = await judge(engine, protocol, way, open.port, { useBinaryFormat });
          failed += wrong.length;
          const seconds = ((performance.now() - begunMs) / 1_000).toFixed(1);
          console.log(`protocols, ${label}: ${passed - before} passed, ${wrong.length} failed, ${seconds} s`);
          for (const line of wrong) console.log(`  FAILED ${label}: ${line}`);
        }
      }
    }
    await running.stop();
    if (open.port === running.port) return;
    for (const protocol of way.protocols(server)) {
      const label = `${way.name}, ${protocol}, the server gone`;
      try {
        console.log(`protocols, ${label}: ${await judgeBadGateway(protocol, open.port)}`);
        passed++;
      } catch (error) {
        failed++;
        console.log(`  FAILED ${label}: ${error instanceof Error ? error.message : error}`);
      }
    }
  } finally {
    await open.stop();
    await running.stop();
  }
}

for (const server of servers) {
  const reason = server.unavailable();
  if (reason !== undefined) {
    console.log(`protocols, ${server.name}: skipped, ${reason}`);
    continue;
  }
  for (const way of ways) {
    if (way.protocols(server).length === 0) continue;
    const missing = way.unavailable();
    if (missing !== undefined) console.log(`protocols, ${server.name} ${way.name}: skipped, ${missing}`);
    else await run(server, way);
  }
}
console.log(`${passed} passed, ${failed} failed`);
process.exitCode = failed === 0 ? 0 : 1;
