import { setTimeout as sleep } from "node:timers/promises";
import { type GlinkTransport, glinkTransport, staticResolver } from "../../../src/index.ts";
import { ca } from "../../support/certificates.ts";
import { chosenEngines, type EngineName } from "../../support/engines.ts";
import { Programs } from "../../support/programs.ts";
import { type InteropSubject, interopCases } from "./cases.ts";
import { InteropServices } from "./messages.ts";
import { cCore, grpcGo, grpcJs, type InteropServer } from "./servers.ts";
import { channelSoak, checkSoak, rpcSoak } from "./soak.ts";

/*
 * npm run interop [-- --engine node|wire|both] [--soak]
 * gRPC's interop cases, glink as the client, against the servers of grpc-go, grpc-js and C-core, over h2c and TLS, on
 * both engines.
 * --soak adds rpc_soak and channel_soak against grpc-go.
 */

const services = new InteropServices();
const programs = new Programs();
const closers: (() => void)[] = [];
const engines = chosenEngines("both");
const withSoak = process.argv.includes("--soak");
let passed = 0;
let failed = 0;

function connectTo(engine: EngineName, port: number, tls: boolean): GlinkTransport {
  return tls
    ? glinkTransport({
        http2: engine,
        baseUrl: `https://echo.test:${port}`,
        resolver: staticResolver([`127.0.0.1:${port}`]),
        nodeOptions: { ca },
      })
    : glinkTransport({ http2: engine, baseUrl: `http://127.0.0.1:${port}` });
}

/** Runs one case, with a limit of time, and says so if it fails. */
async function judge(label: string, work: () => Promise<void>, limitMs: number): Promise<void> {
  const controller = new AbortController();
  const tooLong = sleep(limitMs, undefined, { signal: controller.signal }).then(() => {
    throw new Error(`not done after ${limitMs} ms`);
  });
  try {
    await Promise.race([work(), tooLong]);
    passed++;
  } catch (error) {
    failed++;
    console.log(`  FAILED ${label}: ${error instanceof Error ? error.message : error}`);
  } finally {
    controller.abort();
    tooLong.catch(() => undefined);
  }
}

async function runAgainst(engine: EngineName, server: InteropServer, tls: boolean, port: number): Promise<void> {
  const configuration = `interop, ${engine} engine, ${server.name}, ${tls ? "TLS" : "h2c"}`;
  const begunMs = performance.now();
  const before = { passed, failed };
  const transport = connectTo(engine, port, tls);
  const subject: InteropSubject = {
    transport,
    test: services.testClient(transport),
    unimplemented: services.unimplementedClient(transport),
  };
  for (const [name, work] of Object.entries(interopCases)) {
    await judge(`${name}, ${configuration}`, () => work(subject), 30_000);
  }
  await transport.close();
  const seconds = ((performance.now() - begunMs) / 1_000).toFixed(1);
  console.log(`${configuration}: ${passed - before.passed} passed, ${failed - before.failed} failed, ${seconds} s`);
}

async function runSoaks(engine: EngineName, server: InteropServer, tls: boolean, port: number): Promise<void> {
  for (const [name, soak] of Object.entries({ rpc_soak: rpcSoak, channel_soak: channelSoak })) {
    const label = `${name}, ${engine} engine, ${server.name}, ${tls ? "TLS" : "h2c"}`;
    const work = async () => {
      const result = await soak(services, () => connectTo(engine, port, tls));
      const { iterations, failures, medianMs, slowestMs, heapMb } = result;
      console.log(
        `${label}: ${iterations} iterations, ${failures.length} failed, median ${medianMs.toFixed(1)} ms, ` +
          `slowest ${slowestMs.toFixed(0)} ms, heap ${heapMb.join(" ")} MB`,
      );
      checkSoak(result);
    };
    await judge(label, work, 600_000);
  }
}

try {
  const go = grpcGo(programs);
  for (const server of [go, grpcJs(services, closers), cCore(programs)]) {
    const reason = server.unavailable();
    if (reason !== undefined) {
      console.log(`interop, ${server.name}: skipped, ${reason}`);
      continue;
    }
    for (const tls of [false, true]) {
      const port = await server.start(tls);
      for (const engine of engines) await runAgainst(engine, server, tls, port);
      if (withSoak && server === go) for (const engine of engines) await runSoaks(engine, server, tls, port);
    }
  }
} finally {
  for (const close of closers) close();
  await programs.close();
}
console.log(`${passed} passed, ${failed} failed`);
process.exitCode = failed === 0 ? 0 : 1;
