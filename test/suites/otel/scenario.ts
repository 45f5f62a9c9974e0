import { execFile } from "node:child_process";
import { once } from "node:events";
import { copyFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Readable } from "node:stream";
import { text } from "node:stream/consumers";
import { promisify } from "node:util";
import { codeBlocks } from "../../structure/docs/code-blocks.ts";
import { freePort, Programs } from "../../support/programs.ts";
import { nodeOf, type Pair } from "./pairs.ts";
import { type OtlpSpan, startReceiver } from "./receiver.ts";
import type { ServerSpan } from "./traces.ts";

const run = promisify(execFile);
const guide = join(import.meta.dirname, "../../../docs/opentelemetry.md");

/** What both sides published while a program ran. */
export interface Published {
  readonly spans: readonly OtlpSpan[];
  readonly served: readonly ServerSpan[];
  /** Names of metrics. */
  readonly metrics: ReadonlySet<string>;
}

/**
 * Runs a user's program in the pair's folder, with the guide's set-up of the SDK before it: it is given the port of a
 * grpc-go server with otelgrpc, and the address of the collector.
 */
export async function published(pair: Pair, folder: string, server: string, program: string): Promise<Published> {
  writeFileSync(join(folder, "telemetry.mjs"), setUp(pair));
  const receiver = await startReceiver();
  const programs = new Programs();
  try {
    const port = await freePort();
    writeFileSync(join(folder, "guide.mjs"), guidesProgram(port));
    if (program !== "guide.mjs") copyFileSync(join(import.meta.dirname, program), join(folder, program));
    const child = await programs.start(server, ["-address", `127.0.0.1:${port}`], port);
    const printed = text(child.stdout as Readable);
    const [command, args] = nodeOf(pair);
    const flags = ["--preserve-symlinks", "--import", "./telemetry.mjs", program, String(port)];
    const env = { ...process.env, OTEL_EXPORTER_OTLP_ENDPOINT: receiver.endpoint };
    await run(command, [...args, ...flags], { cwd: folder, env });
    child.kill("SIGTERM");
    await once(child, "close");
    const lines = (await printed).split("\n").filter((line) => line.startsWith("{"));
    const served = lines.map((line) => JSON.parse(line) as ServerSpan);
    return { spans: receiver.spans, served, metrics: receiver.metrics };
  } finally {
    await programs.close();
    await receiver.close();
  }
}

/** That of the guide, with the instrumentations of others that the pair has. */
function setUp({ others }: Pair): string {
  const [code = ""] = codeBlocks(guide, "js");
  const imports = others.map(
    (name) => `import { ${name}Instrumentation } from "@opentelemetry/instrumentation-${name.toLowerCase()}";\n`,
  );
  const made = others.map((name) => `new ${name}Instrumentation()`).join(", ");
  return imports.join("") + code.replace('serviceName: "shop",', `serviceName: "shop", instrumentations: [${made}],`);
}

/** The guide's transport as it stands, but for the server's address, and a call through it. */
function guidesProgram(port: number): string {
  const [transport = ""] = codeBlocks(guide, "ts");
  return `${transport.replace("echo.default.svc.cluster.local:50051", `localhost:${port}`)}
import { createClient } from "@connectrpc/connect";
import { EchoService } from "./gen/glink/demo/v1/echo_pb.js";
import { sdk } from "./telemetry.mjs";
await createClient(EchoService, transport).unary({ text: "hello" });
await transport.close();
await sdk.shutdown();
`;
}
