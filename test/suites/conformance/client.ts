import { once } from "node:events";
import { appendFileSync } from "node:fs";
import { compressionBrotli, compressionGzip } from "@connectrpc/connect-node";
import { type GlinkTransport, type GlinkTransportOptions, glinkTransport } from "../../../src/index.ts";
import { ConformanceCall } from "./calls.ts";
import {
  type CompatRequest,
  codecJson,
  compressionBrotliNumber,
  compressionGzipNumber,
  protocolNames,
  SuiteTypes,
} from "./messages.ts";

/*
 * The program that Connect's conformance runner drives: it reads requests from stdin, each with its length before it,
 * makes the calls through glink, and writes what came of them to stdout.
 * Usage: client.ts DESCRIPTOR_SET plain|rotating|retrying RECORD node|wire
 * RECORD gets a line for each case: its name, the code of its error (0: none), and how often it was retried.
 */

/** What each kind of run sets. */
const runs: Record<string, Partial<GlinkTransportOptions>> = {
  plain: { retry: false },
  rotating: { retry: false, rotationIntervalMs: 1_000, maxConnectionAgeMs: 2_000 },
  retrying: {},
};

const [descriptorSet = "", run = "plain", record = "", engine = "node"] = process.argv.slice(2);
const runOptions = runs[run];
if (runOptions === undefined) throw new Error(`unknown run "${run}": use ${Object.keys(runs).join(", ")}`);
const types = new SuiteTypes(descriptorSet);

/** Cases with the same needs share a transport, as the calls of a program do. */
const transports = new Map<string, GlinkTransport>();

function transportFor(request: CompatRequest): GlinkTransport {
  const { host, port, codec, compression, serverTlsCert, clientTlsCreds, messageReceiveLimit } = request;
  const protocol = protocolNames[request.protocol];
  if (protocol === undefined) throw new Error(`unknown protocol ${request.protocol}`);
  const useHttpGet = request.useGetHttpMethod;
  const tls = serverTlsCert.length > 0;
  const written = [protocol, useHttpGet, codec, compression, messageReceiveLimit];
  const key = JSON.stringify([host, port, tls, clientTlsCreds !== undefined, ...written]);
  let transport = transports.get(key);
  if (transport === undefined) {
    const options: GlinkTransportOptions = {
      ...runOptions,
      http2: engine as "node" | "wire",
      baseUrl: `${tls ? "https" : "http"}://${host}:${port}`,
      protocol,
      useHttpGet,
      useBinaryFormat: codec !== codecJson,
      jsonOptions: { registry: types.registry },
      acceptCompression: [compressionGzip, compressionBrotli],
      compressMinBytes: 0,
    };
    if (compression === compressionGzipNumber) options.sendCompression = compressionGzip;
    if (compression === compressionBrotliNumber) options.sendCompression = compressionBrotli;
    if (messageReceiveLimit > 0) options.readMaxBytes = messageReceiveLimit;
    if (tls) {
      options.nodeOptions = {
        ca: Buffer.from(serverTlsCert),
        ...(clientTlsCreds && { cert: Buffer.from(clientTlsCreds.cert), key: Buffer.from(clientTlsCreds.key) }),
      };
    }
    transport = glinkTransport(options);
    transports.set(key, transport);
  }
  return transport;
}

async function handle(bytes: Uint8Array): Promise<void> {
  const request = types.readRequest(bytes);
  try {
    const call = new ConformanceCall(request, types);
    const result = await call.run(transportFor(request), types);
    appendFileSync(record, `${request.testName}\t${result.error?.code ?? 0}\t${call.retries}\n`);
    await write(types.writeResult(request.testName, result));
  } catch (error) {
    await write(types.writeError(request.testName, String(error)));
  }
}

async function write(message: Uint8Array): Promise<void> {
  const framed = Buffer.alloc(4 + message.length);
  framed.writeUInt32BE(message.length);
  framed.set(message, 4);
  if (!process.stdout.write(framed)) await once(process.stdout, "drain");
}

/** The length-prefixed messages of stdin. */
async function* requests(): AsyncGenerator<Uint8Array> {
  let pending: Buffer = Buffer.alloc(0);
  for await (const chunk of process.stdin) {
    pending = Buffer.concat([pending, chunk as Buffer]);
    while (pending.length >= 4 && pending.length >= 4 + pending.readUInt32BE()) {
      const end = 4 + pending.readUInt32BE();
      yield pending.subarray(4, end);
      pending = pending.subarray(end);
    }
  }
}

process.once("SIGTERM", () => process.exit(0));
/** The runner sends all its cases at once; with more calls than this at a time, the cases on timing measure the crowd. */
const maxOpen = 8;
const open = new Set<Promise<void>>();
for await (const bytes of requests()) {
  while (open.size >= maxOpen) await Promise.race(open);
  const done: Promise<void> = handle(bytes).finally(() => open.delete(done));
  open.add(done);
}
await Promise.all(open);
await Promise.all(Array.from(transports.values(), (transport) => transport.close()));
