import { glinkTransport, type LoadBalancing } from "../../src/index.ts";
import { addressesOf } from "./addresses.ts";
import { heapInUse } from "./heap.ts";
import { kib, type Verdict } from "./verdict.ts";

const count = 10_000;
const limitBytes = 2_048;

/** What an address without a connection costs: 10 000 of them, under a policy that never dials. */
export async function idleSubchannels(): Promise<Verdict> {
  const idle: LoadBalancing = { name: "idle", createPolicy: () => ({ update: () => undefined }) };
  const transport = glinkTransport({
    baseUrl: "http://localhost:1",
    loadBalancing: idle,
    resolver: {
      name: "bench",
      watch: (_, listener) => {
        listener.onAddresses(addressesOf(0, count));
        return { refresh: () => undefined, close: () => undefined };
      },
    },
  });
  const before = await heapInUse();
  // ready() starts the resolver; nothing will ever be ready.
  await transport.ready({ timeoutMs: 1 }).catch(() => undefined);
  const each = ((await heapInUse()) - before) / count;
  const subchannels = transport.snapshot().subchannels.length;
  await transport.close();
  return {
    claim: `heap per subchannel without a connection <= ${kib(limitBytes)}`,
    found: `${kib(each)} (${subchannels} subchannels)`,
    holds: each <= limitBytes && subchannels === count,
  };
}
