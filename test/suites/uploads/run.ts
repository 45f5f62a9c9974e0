import { execFileSync } from "node:child_process";
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { createClient } from "@connectrpc/connect";
import { EchoService } from "../../../proto/gen/glink/demo/v1/echo_pb.js";
import { glinkTransport } from "../../../src/index.ts";
import { chosenEngines, type EngineName } from "../../support/engines.ts";
import { hasGo } from "../../support/go-tools.ts";
import { freePort, Programs } from "../../support/programs.ts";

/*
 * node --import tsx test/suites/uploads/run.ts [--engine node|wire|both]
 * Long uploads to a server on Go's net/http, which gives credit in small pieces: two WINDOW_UPDATE frames for every few
 * KiB that its handler reads. None may end early, and every byte must arrive. Default: the wire engine.
 */

interface Upload {
  readonly messageBytes: number;
  readonly totalBytes: number;
}

const mib = 2 ** 20;

const uploads: readonly Upload[] = [
  { messageBytes: 20, totalBytes: 4 * mib },
  { messageBytes: 1_000, totalBytes: 60 * mib },
  { messageBytes: 64 * 1_024, totalBytes: 200 * mib },
  { messageBytes: mib, totalBytes: 200 * mib },
];

/** Builds the server, into a folder that git ignores, and returns its path. */
function buildServer(): string {
  const path = join(import.meta.dirname, "../../../.cache/go/upload-server");
  mkdirSync(join(path, ".."), { recursive: true });
  execFileSync("go", ["build", "-o", path, "."], { cwd: join(import.meta.dirname, "server"), stdio: "inherit" });
  return path;
}

/** Makes one upload. Returns what is wrong with it. */
async function run(
  engine: EngineName,
  port: number,
  { messageBytes, totalBytes }: Upload,
): Promise<string | undefined> {
  const transport = glinkTransport({ http2: engine, baseUrl: `http://127.0.0.1:${port}` });
  const payload = new Uint8Array(messageBytes);
  let messages = 0;
  let bytes = 0;
  async function* requests() {
    while (bytes < totalBytes) {
      messages++;
      yield { payload };
      // As the server counts: the field's tag and length too.
      bytes += messageBytes;
    }
  }
  try {
    const { count, payloadBytes } = await createClient(EchoService, transport).clientStream(requests());
    const overhead = Number(payloadBytes) - bytes;
    if (count !== messages) return `the server has seen ${count} of ${messages} messages`;
    if (overhead <= 0 || overhead > messages * 8) return `the server has seen ${payloadBytes} bytes of ${bytes}`;
    return undefined;
  } catch (error) {
    return `after ${Math.round(bytes / mib)} MiB: ${(error as Error).message}`;
  } finally {
    await transport.close();
  }
}

if (!hasGo()) {
  console.log("uploads to Go's net/http: skipped, Go is not installed");
} else {
  const programs = new Programs();
  const port = await freePort();
  await programs.start(buildServer(), ["-port", String(port)], port);
  let failed = 0;
  let made = 0;
  for (const engine of chosenEngines("wire")) {
    for (const upload of uploads) {
      const startedMs = performance.now();
      const wrong = await run(engine, port, upload);
      const seconds = ((performance.now() - startedMs) / 1_000).toFixed(1);
      const what = `${upload.totalBytes / mib} MiB in messages of ${upload.messageBytes} bytes, ${engine}`;
      console.log(
        `${wrong === undefined ? "ok" : "FAILED"}  ${what}, ${seconds} s${wrong === undefined ? "" : `: ${wrong}`}`,
      );
      made++;
      if (wrong !== undefined) failed++;
    }
  }
  await programs.close();
  console.log(`uploads to Go's net/http: ${made} made, ${failed} failed`);
  process.exitCode = failed === 0 ? 0 : 1;
}
