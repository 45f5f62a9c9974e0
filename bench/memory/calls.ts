import { createClient } from "@connectrpc/connect";
import { EchoService } from "../../proto/gen/glink/demo/v1/echo_pb.js";
import { glinkTransport, staticResolver } from "../../src/index.ts";
import { heapInUse } from "./heap.ts";
import { kib, type Verdict } from "./verdict.ts";

const calls = 200_000;
const warmUpCalls = 20_000;
const concurrency = 32;
/** What compiled code, caches and the heap's own fragmentation may move in 200 000 calls: 5 bytes a call would fail. */
const allowedGrowthBytes = 1_048_576;

/** The heap after 200 000 calls is that of before. */
export async function flatOverCalls(backends: readonly string[]): Promise<Verdict> {
  const transport = glinkTransport({ baseUrl: "http://localhost:1", resolver: staticResolver([...backends]) });
  const client = createClient(EchoService, transport);
  const make = (count: number) => {
    let left = count;
    const lane = async () => {
      while (left-- > 0) await client.unary({ text: "x" });
    };
    return Promise.all(Array.from({ length: concurrency }, lane));
  };
  await make(warmUpCalls);
  const before = await heapInUse();
  await make(calls);
  const grown = (await heapInUse()) - before;
  await transport.close();
  return {
    claim: `heap flat over ${calls} calls`,
    found: `${kib(grown)} more (${(grown / calls).toFixed(2)} bytes a call)`,
    holds: grown <= allowedGrowthBytes,
  };
}
