import assert from "node:assert/strict";
import { test } from "node:test";
import { MethodPolicies } from "../../../../src/calls/methods/method-policies.ts";
import { parseServiceConfig } from "../../../../src/calls/methods/service-config.ts";
import { ServiceConfigUse } from "../../../../src/calls/methods/service-config-use.ts";
import { EventBus } from "../../../../src/observe/event-bus.ts";
import { ManualClock } from "../../../support/manual-clock.ts";

const method = { service: "shop.v1.Orders", name: "Place" };

function useOf(timeout: string) {
  const policies = new MethodPolicies({ methods: {}, transport: {} });
  const events = new EventBus("orders");
  const rejected: string[] = [];
  events.subscribe((event) => {
    if (event.type === "service-config-rejected") rejected.push(String(event.error.message));
  });
  const given = parseServiceConfig({ methodConfig: [{ name: [{}], timeout }] });
  const use = new ServiceConfigUse({ policies, ownLimit: undefined, clock: new ManualClock(), events }, given);
  const timeoutMs = () => policies.explain(method, undefined).values[0]?.value;
  return { use, rejected, timeoutMs };
}

const cyclic: Record<string, unknown> = { methodConfig: [] };
cyclic.itself = cyclic;

for (const [what, config] of Object.entries({
  "that holds itself": cyclic,
  "with a bigint": { methodConfig: 1n },
  "whose getter throws": {
    get methodConfig() {
      throw new Error("no");
    },
  },
  "that is a number": 5,
  "that is null": null,
  "nested a hundred thousand deep": `{"methodConfig":${"[".repeat(100_000)}${"]".repeat(100_000)}}`,
})) {
  test(`a resolver's config ${what} is rejected, harms nobody, and the last one stays`, () => {
    const { use, rejected, timeoutMs } = useOf("1s");
    use.resolved(config as object);
    assert.equal(rejected.length, 1);
    assert.equal(timeoutMs(), 1_000);
    use.resolved({ methodConfig: [{ name: [{}], timeout: "2s" }] });
    assert.equal(timeoutMs(), 2_000);
    use.resolved(config as object);
    assert.equal(rejected.length, 2);
    assert.equal(timeoutMs(), 2_000);
  });
}

test("a config that speaks of __proto__ changes no object but its own", () => {
  const { use, timeoutMs } = useOf("1s");
  use.resolved('{"__proto__": {"methodConfig": [{"name": [{}], "timeout": "9s"}]}, "methodConfig": []}');
  assert.equal(timeoutMs(), undefined);
  assert.equal(({} as Record<string, unknown>).methodConfig, undefined);
});
