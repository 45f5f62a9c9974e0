import type { Resolver, ResolverListener, ResolverTarget, ResolverWatch, Runtime } from "../index.ts";

/** Starts the watch that counts, and tells `listener` what it finds. */
type StartWatch = (listener: ResolverListener) => ResolverWatch;

/**
 * A watch, and until its first list another resolver's. Its errors are told once the fallback has said what it knows: before
 * that, calls wait for the fallback.
 */
export function watchWithFallback(
  start: StartWatch,
  fallback: Resolver,
  target: ResolverTarget,
  context: { readonly listener: ResolverListener; readonly runtime: Runtime },
): ResolverWatch {
  const { listener, runtime } = context;
  let second: ResolverWatch | undefined;
  let listed = false;
  let answered = false;
  let withheld: { readonly error: unknown } | undefined;
  const fallbackAnswered = (tell: () => void) => {
    if (listed) return;
    answered = true;
    tell();
    if (withheld !== undefined) listener.onError(withheld.error);
    withheld = undefined;
  };
  const first = start({
    onResolution(resolution) {
      listed = true;
      second?.close();
      second = undefined;
      listener.onResolution(resolution);
    },
    onAddresses: () => undefined,
    onError(error) {
      if (listed || answered) listener.onError(error);
      else withheld = { error };
    },
  });
  try {
    second = fallback.watch(
      target,
      {
        onResolution: (resolution) => fallbackAnswered(() => listener.onResolution(resolution)),
        onAddresses: (addresses, others) => fallbackAnswered(() => listener.onAddresses(addresses, others)),
        onError: (error) => fallbackAnswered(() => listener.onError(error)),
      },
      runtime,
    );
  } catch (error) {
    // It may be the user's own. Whoever watches again begins both.
    first.close();
    throw error;
  }
  return {
    refresh() {
      first.refresh();
      second?.refresh();
    },
    get nextLookupMs() {
      return first.nextLookupMs;
    },
    close() {
      first.close();
      second?.close();
    },
  };
}
