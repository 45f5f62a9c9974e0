import { execFile, execFileSync } from "node:child_process";
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import { type Client, createClient } from "@connectrpc/connect";
import { EchoService } from "../../../proto/gen/glink/demo/v1/echo_pb.js";
import { type GlinkTransportOptions, glinkTransport } from "../../../src/index.ts";
import { apiServerIdentity } from "../../support/certificates.ts";
import { type Distance, startDistantNetwork } from "../../support/distant-network.ts";
import { hasGo } from "../../support/go-tools.ts";
import { freePort, Programs } from "../../support/programs.ts";

/*
 * node --import tsx test/suites/downloads/run.ts
 * Downloads from grpc-go over a distance: windows that grow are nearly as fast as large ones, a slow link is left to small
 * calls as well, and the server has nothing to say against the PINGs by which distance is found.
 */

type EchoClient = Client<typeof EchoService>;

const mib = 2 ** 20;
const largeWindows = { settings: { initialWindowSize: 16 * mib }, connectionWindowSize: 16 * mib };

const messageBytes = 65_536;

/** Of the speed of large windows: 0.9 to 1 on a machine that has time, and a twentieth where windows do not grow. */
const leastShare = 0.2;

/** Of the time that grpc-go takes: 0.7 to 0.9, and 2.5 where credit comes back late. */
const mostOfGrpcGo = 1.5;

function buildServer(): string {
  const path = join(import.meta.dirname, "../../../.cache/go/download-server");
  mkdirSync(join(path, ".."), { recursive: true });
  execFileSync("go", ["build", "-o", path, "."], { cwd: join(import.meta.dirname, "server"), stdio: "inherit" });
  return path;
}

/** Runs `work` with a client at the other end of a distance, with TLS where `nodeOptions` know whom to trust. Returns what went wrong. */
async function over(
  server: string,
  distance: Distance,
  nodeOptions: NonNullable<GlinkTransportOptions["nodeOptions"]>,
  work: (client: EchoClient, address: string) => Promise<string | undefined>,
): Promise<string | undefined> {
  const network = await startDistantNetwork(server, distance);
  const scheme = "ca" in nodeOptions ? "https" : "http";
  const transport = glinkTransport({ baseUrl: `${scheme}://${network.address}`, nodeOptions });
  const goaways: string[] = [];
  transport.subscribe((event) => {
    if (event.type === "goaway") goaways.push(`GOAWAY ${event.http2Code} ${event.debug}`);
  });
  try {
    await transport.ready();
    return (await work(createClient(EchoService, transport), network.address)) ?? goaways[0];
  } catch (error) {
    return (error as Error).message;
  } finally {
    await transport.close({ timeoutMs: 0 });
    await network.close();
  }
}

async function download(client: EchoClient, totalBytes: number): Promise<number> {
  const beganMs = performance.now();
  let bytes = 0;
  const stream = client.serverStream({ count: totalBytes / messageBytes, messageBytes });
  for await (const { payload } of stream) bytes += payload.length;
  if (bytes !== totalBytes) throw new Error(`${bytes} of ${totalBytes} bytes came`);
  return performance.now() - beganMs;
}

async function compared(server: string, roundTripMs: number, totalBytes: number): Promise<string | undefined> {
  const tookMs: Record<string, number> = {};
  for (const [name, nodeOptions] of Object.entries({ large: largeWindows, growing: {} })) {
    const wrong = await over(server, { roundTripMs }, nodeOptions, async (client) => {
      // What slow start of TCP is on other networks.
      await download(client, totalBytes / 2);
      tookMs[name] = await download(client, totalBytes);
      return undefined;
    });
    if (wrong !== undefined) return `${name}: ${wrong}`;
  }
  const { large = 0, growing = 0 } = tookMs;
  const share = large / growing;
  console.log(
    `    ${growing.toFixed(0)} ms, ${large.toFixed(0)} with windows of 16 MiB: ${share.toFixed(2)} of their speed`,
  );
  return share < leastShare ? `${share.toFixed(2)} of the speed of large windows` : undefined;
}

/** Beside grpc-go's own client, each with a connection that was just made, over TLS. */
function besideGrpcGo(program: string, server: string, roundTripMs: number, totalBytes: number) {
  return over(server, { roundTripMs }, { ca: apiServerIdentity.cert }, async (client, address) => {
    await client.unary({});
    const glinkMs = await download(client, totalBytes);
    const count = String(totalBytes / messageBytes);
    const args = ["-download", address, "-count", count, "-bytes", String(messageBytes)];
    const { stdout } = await promisify(execFile)(program, args);
    const ratio = glinkMs / Number(stdout);
    console.log(`    ${glinkMs.toFixed(0)} ms, grpc-go ${Number(stdout)}: ${ratio.toFixed(2)} of its time`);
    return ratio > mostOfGrpcGo ? `${ratio.toFixed(2)} of the time that grpc-go takes` : undefined;
  });
}

/** 256 kbit/s, with somebody else's calls. */
function shared(server: string): Promise<string | undefined> {
  return over(server, { roundTripMs: 20, bytesPerMs: 32 }, {}, async (client) => {
    const controller = new AbortController();
    const large = client.serverStream({ count: 100, messageBytes: 65_536 }, { signal: controller.signal });
    const reading = (async () => {
      for await (const _ of large);
    })().catch(() => undefined);
    let late = 0;
    for (let i = 0; i < 6; i++) {
      await client.unary({}, { timeoutMs: 4_000 }).catch(() => late++);
      await new Promise((resolve) => setTimeout(resolve, 200));
    }
    controller.abort();
    await reading;
    return late > 0 ? `${late} of 6 small calls missed their deadline` : undefined;
  });
}

/** Data, then calls that are not answered in time: PINGs of both kinds, one soon after the other. */
function suspected(server: string): Promise<string | undefined> {
  return over(server, { roundTripMs: 5 }, {}, async (client) => {
    for (let round = 0; round < 4; round++) {
      await Promise.all(Array.from({ length: 4 }, () => download(client, 4 * mib)));
      for (let i = 0; i < 4; i++) await client.unaryIdempotent({}, { timeoutMs: 300 }).catch(() => undefined);
    }
    await download(client, 4 * mib);
    return undefined;
  });
}

if (!hasGo()) {
  console.log("downloads from grpc-go: skipped, Go is not installed");
} else {
  const programs = new Programs();
  const program = buildServer();
  const start = async (...args: string[]) => {
    const port = await freePort();
    await programs.start(program, ["-port", String(port), ...args], port);
    return `127.0.0.1:${port}`;
  };
  const server = await start();
  const certificates = join(import.meta.dirname, "../../support/certs/api-server");
  const tlsServer = await start("-cert", `${certificates}.pem`, "-key", `${certificates}.key.pem`);
  const cases: [string, () => Promise<string | undefined>][] = [
    ["64 MiB at 20 ms of round trip", () => compared(server, 20, 64 * mib)],
    ["128 MiB at 100 ms of round trip", () => compared(server, 100, 128 * mib)],
    ["20 MiB over TLS at 50 ms of round trip", () => besideGrpcGo(program, tlsServer, 50, 20 * mib)],
    ["20 MiB over TLS at 150 ms of round trip", () => besideGrpcGo(program, tlsServer, 150, 20 * mib)],
    ["a download and small calls share 256 kbit/s", () => shared(server)],
    ["PINGs for growth and for suspicions", () => suspected(server)],
  ];
  let failed = 0;
  for (const [name, run] of cases) {
    const wrong = await run();
    if (wrong !== undefined) failed++;
    console.log(wrong === undefined ? `ok  ${name}` : `FAILED  ${name}: ${wrong}`);
  }
  await programs.close();
  console.log(`downloads from grpc-go: ${cases.length} made, ${failed} failed`);
  process.exitCode = failed === 0 ? 0 : 1;
}
