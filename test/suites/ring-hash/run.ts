import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { createClient, createContextValues } from "@connectrpc/connect";
import { EchoService } from "../../../proto/gen/glink/demo/v1/echo_pb.js";
import { parseAddress } from "../../../src/endpoint/address.ts";
import {
  endpointHashKey,
  glinkCall,
  glinkTransport,
  noAttributes,
  type Resolver,
  ringHash,
} from "../../../src/index.ts";
import { hasGo } from "../../support/go-tools.ts";
import type { RecordedRing } from "./recorded-ring.ts";

/*
 * node --import tsx test/suites/ring-hash/run.ts [--record]
 * The same keys go to the same backends from grpc-go's ring_hash and from ours, over real connections to grpc-go servers.
 * --record writes down where grpc-go sends them, for the unit tests. Needs Go, and the addresses of 127.0.0.0/8.
 */

const keys = 200;

const twenty = Array.from({ length: 20 }, (_, i) => `127.1.0.${i + 1}:50051`);
const scenarios: readonly Omit<RecordedRing, "cameTo">[] = [
  { name: "three backends", addresses: twenty.slice(0, 3), hashKeys: undefined, min: 1_024, max: 4_096 },
  { name: "twenty backends", addresses: twenty, hashKeys: undefined, min: 1_024, max: 4_096 },
  { name: "a small ring", addresses: twenty, hashKeys: undefined, min: 1, max: 30 },
  {
    name: "backends with hash keys",
    addresses: twenty,
    hashKeys: twenty.map((_, i) => `pod-${i}`),
    min: 1_024,
    max: 4_096,
  },
];

async function main(): Promise<void> {
  if (!hasGo()) {
    console.log("skipped: Go is not installed");
    return;
  }
  const program = build();
  const recorded: RecordedRing[] = [];
  for (const scenario of scenarios) {
    const cameTo = await compare(program, scenario);
    recorded.push({ ...scenario, cameTo });
    console.log(`${scenario.name}: ${keys} keys go to the same of ${scenario.addresses.length} backends as in grpc-go`);
  }
  if (!process.argv.includes("--record")) return;
  writeFileSync(join(import.meta.dirname, "recorded.json"), `${JSON.stringify(recorded, undefined, 1)}\n`);
}

function build(): string {
  const path = join(import.meta.dirname, "../../../.cache/go/ring-hash");
  mkdirSync(join(path, ".."), { recursive: true });
  execFileSync("go", ["build", "-o", path, "."], { cwd: join(import.meta.dirname, "server"), stdio: "inherit" });
  return path;
}

/** Where grpc-go sends each key. Throws if ours goes elsewhere. */
async function compare(program: string, scenario: Omit<RecordedRing, "cameTo">): Promise<Record<string, string>> {
  const { addresses, hashKeys, min, max } = scenario;
  const flags = ["-addresses", addresses.join(","), "-keys", String(keys), "-min", String(min), "-max", String(max)];
  if (hashKeys !== undefined) flags.push("-hash-keys", hashKeys.join(","));
  const child = spawn(program, flags, { stdio: ["pipe", "pipe", "inherit"] });
  try {
    const [line] = (await once(createInterface(child.stdout), "line")) as [string];
    const cameTo = JSON.parse(line) as Record<string, string>;
    const ours = await oursOf(scenario, Object.keys(cameTo));
    const other = Object.keys(cameTo).filter((key) => cameTo[key] !== ours[key]);
    if (other.length > 0)
      throw new Error(`${scenario.name}: ${other.length} keys go elsewhere, ${other[0]} among them`);
    return cameTo;
  } finally {
    child.stdin.end();
    await once(child, "exit");
  }
}

/** Where ours sends each key: half of them by metadata, half by the call's own option. */
async function oursOf(
  { addresses, hashKeys, min, max }: Omit<RecordedRing, "cameTo">,
  all: readonly string[],
): Promise<Record<string, string | undefined>> {
  const endpoints = addresses.map((address, i) => ({
    addresses: [parseAddress(address)],
    attributes: hashKeys === undefined ? noAttributes : noAttributes.with(endpointHashKey, hashKeys[i]),
  }));
  const resolver: Resolver = {
    name: "endpoints",
    watch: (_, listener) => {
      queueMicrotask(() => listener.onResolution({ endpoints }));
      return { refresh: () => undefined, close: () => undefined };
    },
  };
  const loadBalancing = ringHash({ key: "x-key", minRingSize: min, maxRingSize: max });
  const transport = glinkTransport({ baseUrl: "http://ring.test", resolver, loadBalancing, retry: false });
  const client = createClient(EchoService, transport);
  const cameTo: Record<string, string | undefined> = {};
  for (const [i, key] of all.entries()) {
    const onAttempt = ({ address }: { readonly address: string | undefined }) => {
      cameTo[key] = address;
    };
    const own = i % 2 === 0;
    const contextValues = createContextValues().set(glinkCall, own ? { onAttempt, hashKey: key } : { onAttempt });
    // The servers do not know the method: that they answer is enough.
    await client.unary({}, { contextValues, headers: own ? {} : { "x-key": key } }).catch(() => undefined);
  }
  await transport.close();
  return cameTo;
}

await main();
