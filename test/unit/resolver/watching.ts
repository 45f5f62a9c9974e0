import assert from "node:assert/strict";
import { formatAddress } from "../../../src/endpoint/address.ts";
import type { Resolver, ResolverTarget, ResolverWatch } from "../../../src/resolver/resolver.ts";
import { systemClock } from "../../../src/runtime/clock.ts";
import { systemHold } from "../../../src/runtime/process-hold.ts";
import type { Runtime } from "../../../src/runtime/runtime.ts";
import { constantRandom } from "../../support/random.ts";

/** What a resolver has reported so far. */
export interface Reports {
  readonly watch: ResolverWatch;
  readonly runtime: Runtime;
  /** Each list, its addresses formatted and sorted. */
  readonly lists: readonly (readonly string[])[];
  /** The fallback of each list, likewise. */
  readonly fallbacks: readonly (readonly string[])[];
  /** Each error's message. */
  readonly errors: readonly string[];
  /** Closes the watch and what it ran on. */
  close(): void;
}

/** Watches a name with real time, and as if a call were open, unless told otherwise. */
export function watchReports(resolver: Resolver, target: ResolverTarget, { held = true } = {}): Reports {
  const hold = systemHold();
  if (held) hold.acquire();
  const runtime = { clock: systemClock(), random: constantRandom(), hold };
  const lists: string[][] = [];
  const fallbacks: string[][] = [];
  const errors: string[] = [];
  const watch = resolver.watch(
    target,
    {
      onResolution: () => assert.fail("DNS has addresses and nothing else"),
      onAddresses: (addresses, fallback = []) => {
        lists.push(addresses.map(formatAddress).sort());
        fallbacks.push(fallback.map(formatAddress).sort());
      },
      onError: (error) => errors.push((error as Error).message),
    },
    runtime,
  );
  return {
    watch,
    runtime,
    lists,
    fallbacks,
    errors,
    close() {
      watch.close();
      hold.close();
    },
  };
}
