import { execFileSync, spawn } from "node:child_process";
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { ConnectError, createClient } from "@connectrpc/connect";
import { credentials, Client as GrpcJsClient, Metadata, type ServiceError } from "@grpc/grpc-js";
import { EchoService } from "../../../proto/gen/glink/demo/v1/echo_pb.js";
import { glinkTransport, type ServiceConfig } from "../../../src/index.ts";
import type { Client } from "./cases.ts";

/** One call that a client shall make. */
export interface CallToMake {
  /** Sent as `x-call`: what the server answers by. */
  readonly key: string;
  readonly timeoutMs: number;
}

/** One config and its calls, one after the other. */
export interface Job {
  readonly id: string;
  readonly config: ServiceConfig;
  readonly calls: readonly CallToMake[];
}

/** Status codes of the calls; `refused`: there was no channel with this config. */
export interface Outcome {
  readonly refused?: string;
  readonly codes: readonly number[];
}

/** Makes all calls of all jobs. By the id of the job. */
export type Peer = (port: number, jobs: readonly Job[]) => Promise<Record<string, Outcome>>;

const path = `/${EchoService.typeName}/Unary`;

async function glink(port: number, jobs: readonly Job[]): Promise<Record<string, Outcome>> {
  return eachJob(jobs, ({ config, calls }) => {
    const transport = glinkTransport({
      baseUrl: `http://127.0.0.1:${port}`,
      serviceConfig: JSON.stringify(config),
      // As in gRPC: what the config does not name is not retried, but for requests that a server refused unseen.
      retry: { maxAttempts: 1 },
    });
    const client = createClient(EchoService, transport);
    const make = ({ key, timeoutMs }: CallToMake) =>
      client.unary({}, { headers: { "x-call": key }, timeoutMs }).then(
        () => 0,
        (error: unknown) => ConnectError.from(error).code as number,
      );
    return inTurn(calls, make).finally(() => transport.close());
  });
}

async function grpcJs(port: number, jobs: readonly Job[]): Promise<Record<string, Outcome>> {
  return eachJob(jobs, ({ config, calls }) => {
    const options = { "grpc.service_config": JSON.stringify(config), "grpc.use_local_subchannel_pool": 1 };
    const client = new GrpcJsClient(`127.0.0.1:${port}`, credentials.createInsecure(), options);
    const make = ({ key, timeoutMs }: CallToMake) =>
      new Promise<number>((resolve) => {
        const metadata = new Metadata();
        metadata.set("x-call", key);
        const bytes = (value: Buffer) => value;
        const done = (error: ServiceError | null) => resolve(error === null ? 0 : error.code);
        client.makeUnaryRequest(
          path,
          bytes,
          bytes,
          Buffer.alloc(0),
          metadata,
          { deadline: Date.now() + timeoutMs },
          done,
        );
      });
    return inTurn(calls, make).finally(() => client.close());
  });
}

/** Runs the Go client, which is built into a folder that git ignores. */
async function grpcGo(port: number, jobs: readonly Job[]): Promise<Record<string, Outcome>> {
  const program = join(import.meta.dirname, "../../../.cache/go/service-config-client");
  mkdirSync(join(program, ".."), { recursive: true });
  execFileSync("go", ["build", "-o", program, "."], { cwd: join(import.meta.dirname, "client"), stdio: "inherit" });
  const child = spawn(program, { stdio: ["pipe", "pipe", "inherit"] });
  const goJobs = jobs.map(({ id, config, calls }) => ({
    id,
    config: JSON.stringify(config),
    calls: calls.map((call) => ({ ...call, method: path })),
  }));
  child.stdin.end(JSON.stringify({ target: `127.0.0.1:${port}`, jobs: goJobs }));
  let output = "";
  for await (const text of child.stdout.setEncoding("utf8")) output += text;
  return JSON.parse(output) as Record<string, Outcome>;
}

export const peers: Readonly<Record<Client, Peer>> = { "grpc-go": grpcGo, "grpc-js": grpcJs, glink };

async function eachJob(
  jobs: readonly Job[],
  run: (job: Job) => Promise<readonly number[]>,
): Promise<Record<string, Outcome>> {
  const outcomes: Record<string, Outcome> = {};
  for (const job of jobs) {
    try {
      outcomes[job.id] = { codes: await run(job) };
    } catch (error) {
      outcomes[job.id] = { refused: String(error), codes: [] };
    }
  }
  return outcomes;
}

async function inTurn(calls: readonly CallToMake[], make: (call: CallToMake) => Promise<number>): Promise<number[]> {
  const codes: number[] = [];
  for (const call of calls) codes.push(await make(call));
  return codes;
}
