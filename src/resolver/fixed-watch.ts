import type { Address } from "../endpoint/address.ts";
import { queueMicrotask } from "../runtime/microtask.ts";
import type { ResolverListener, ResolverWatch } from "./resolver.ts";

/** Reports a list that never changes: once, as soon as `watch` has returned. There is nothing to ask again. */
export function watchFixed(addresses: readonly Address[], listener: ResolverListener): ResolverWatch {
  let closed = false;
  queueMicrotask(() => {
    if (!closed) listener.onAddresses(addresses);
  });
  return {
    refresh: () => undefined,
    close: () => {
      closed = true;
    },
  };
}
