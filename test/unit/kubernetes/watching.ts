import assert from "node:assert/strict";
import type { TestContext } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { formatAddress } from "../../../src/endpoint/address.ts";
import { type KubernetesResolverOptions, kubernetesResolver } from "../../../src/kubernetes/index.ts";
import type { Resolution, ResolverTarget } from "../../../src/resolver/resolver.ts";
import { SocketsManualClock } from "../../support/manual-clock.ts";
import { QuietHold } from "../../support/quiet-hold.ts";
import { constantRandom } from "../../support/random.ts";
import { ScriptedApiServer } from "../../support/scripted-api-server.ts";

/** Waits for something that comes over a socket. */
export async function until(what: string, holds: () => boolean): Promise<void> {
  for (let i = 0; !holds(); i++) {
    assert.ok(i < 5_000, `in vain: ${what}`);
    await sleep(2);
  }
}

/** A server, closed with the test. */
export async function startApiServer(t: TestContext): Promise<ScriptedApiServer> {
  const server = new ScriptedApiServer();
  await server.listen();
  t.after(() => server.close());
  return server;
}

export const target: ResolverTarget = { host: "echo.shop.svc.cluster.local", port: 50_051 };

/** Watches a Service at a server, over real sockets, on a clock turned by hand. */
export function watchService(t: TestContext, options: KubernetesResolverOptions, { of = target, random = 0.5 } = {}) {
  const clock = new SocketsManualClock();
  const hold = new QuietHold();
  hold.acquire();
  const runtime = { clock, random: constantRandom(random), hold };
  const resolutions: Resolution[] = [];
  const errors: string[] = [];
  const watch = kubernetesResolver(options).watch(
    of,
    {
      onResolution: (resolution) => resolutions.push(resolution),
      onAddresses: (addresses) =>
        resolutions.push({ endpoints: addresses.map((one) => ({ addresses: [one] })) as never }),
      onError: (error) => errors.push((error as Error).message),
    },
    runtime,
  );
  t.after(() => watch.close());
  const seen = {
    clock,
    runtime,
    watch,
    resolutions,
    errors,
    /** The addresses of the newest list, sorted; several of one endpoint are joined. */
    get newest(): string[] {
      const endpoints = resolutions.at(-1)?.endpoints ?? [];
      return endpoints.map(({ addresses }) => addresses.map(formatAddress).join("+")).sort();
    },
    /** Turns the clock in steps of 50 ms until something holds that also needs a socket. */
    async turnUntil(what: string, holds: () => boolean): Promise<void> {
      for (let i = 0; !holds(); i++) {
        assert.ok(i < 4_000, `in vain: ${what}; errors: ${errors.join(" | ")}`);
        await clock.advance(50);
        if (i % 4 === 3) await sleep(1);
      }
    },
    async list(expected: readonly string[]): Promise<void> {
      await seen.turnUntil(`a list of ${expected}`, () => String(seen.newest) === String([...expected].sort()));
    },
  };
  return seen;
}
