import { bench, do_not_optimize, run, summary } from "mitata";
import type { MethodSpec } from "../src/base/method-spec.ts";
import { RetryBudget } from "../src/calls/retry/retry-budget.ts";
import { retryDefaults } from "../src/calls/retry/retry-options.ts";
import { type Address, glinkTransport, type LoadBalancing, type ResolverListener, roundRobin } from "../src/index.ts";
import { EventBus } from "../src/observe/event-bus.ts";
import { grpc } from "../src/protocol/grpc/grpc.ts";
import { readMetadata } from "../src/protocol/metadata.ts";
import { systemClock } from "../src/runtime/clock.ts";
import { pickerOf, readyBackends } from "./balancing/picks.ts";
import { addressesOf } from "./memory/addresses.ts";

const method: MethodSpec = {
  service: "glink.demo.v1.EchoService",
  name: "Unary",
  singleRequest: true,
  singleResponse: true,
  idempotency: "unknown",
};

// The parts of a call that are glink's own, one by one: `node --expose-gc --import tsx bench/micro.ts`.

summary(() => {
  for (const count of [1, 100, 10_000]) {
    const picker = pickerOf(roundRobin(), readyBackends(count));
    const info = { method, metadata: [], contextValues: undefined, attempt: 1, tried: [] };
    bench(`pick, round robin over ${count}`, () => do_not_optimize(picker.pick(info)));
  }
});

summary(() => {
  const one = addressesOf(0, 10_000);
  const other = addressesOf(5_000, 10_000);
  const { onAddresses } = idlePool();
  onAddresses(one);
  bench("reconcile 10 000 addresses, none changed", () => onAddresses(one));
  const changing = idlePool();
  let turn = 0;
  bench("reconcile 10 000 addresses, half replaced", () => changing.onAddresses(++turn % 2 === 0 ? one : other));
});

summary(() => {
  const events = new EventBus("http://localhost:1");
  bench("publish an event nobody hears", () => {
    if (events.active) events.publish({ type: "closed" });
  });
});

summary(() => {
  const pairs = Object.fromEntries(Array.from({ length: 10 }, (_, i) => [`x-bench-key-${i}`, `value number ${i}`]));
  const headers = new Headers(pairs);
  bench("metadata: none", () => do_not_optimize(readMetadata(undefined, grpc.ownNames)));
  bench("metadata: 10 pairs of an object", () => do_not_optimize(readMetadata(pairs, grpc.ownNames)));
  bench("metadata: 10 pairs of Headers", () => do_not_optimize(readMetadata(headers, grpc.ownNames)));
});

summary(() => {
  const { budget } = retryDefaults;
  if (budget === false) throw new Error("there is no retry budget by default");
  const retryBudget = new RetryBudget(budget, systemClock());
  bench("retry budget: deposit", () => retryBudget.deposit());
});

await run();

/** A pool that never dials: what a new list costs by itself. */
function idlePool(): { onAddresses(addresses: readonly Address[]): void } {
  let listener: ResolverListener | undefined;
  const idle: LoadBalancing = { name: "idle", createPolicy: () => ({ update: () => undefined }) };
  const transport = glinkTransport({
    baseUrl: "http://localhost:1",
    loadBalancing: idle,
    resolver: {
      name: "bench",
      watch: (_, given) => {
        listener = given;
        return { refresh: () => undefined, close: () => undefined };
      },
    },
  });
  // ready() starts the resolver; nothing will ever be ready.
  transport.ready({ timeoutMs: 0 }).catch(() => undefined);
  return { onAddresses: (addresses) => listener?.onAddresses(addresses) };
}
