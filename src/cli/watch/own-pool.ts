import { type Clock, glinkTransport, type TimerHandle } from "../../index.ts";
import { type Reach, UsageError } from "../arguments.ts";
import { plain } from "../output.ts";
import { tlsOptions } from "../tls-files.ts";
import type { PoolFeed, PoolFeedListener } from "./pool-feed.ts";
import { poolViewOf } from "./pool-view.ts";

/** A pool of this process' own, which makes no calls but for the health of its backends. Throws a {@link UsageError}. */
export function ownPool(reach: Reach, intervalMs: number, clock: Clock, listener: PoolFeedListener): PoolFeed {
  const transport = transportTo(reach);
  let timer: TimerHandle | undefined;
  const look = () => {
    timer = clock.setTimeout(look, intervalMs);
    const view = poolViewOf(transport.snapshot());
    if (view !== undefined) listener.onPools([view]);
  };
  transport.ready({ timeoutMs: reach.timeoutMs }).catch(() => undefined);
  look();
  return {
    close: () => {
      clock.clearTimeout(timer);
      return transport.close();
    },
  };
}

function transportTo(reach: Reach) {
  try {
    return glinkTransport({
      baseUrl: reach.url,
      protocol: reach.protocol,
      nodeOptions: tlsOptions(reach),
      connectTimeoutMs: reach.timeoutMs,
      healthCheck: { service: "" },
      // Nobody calls, and the pool is watched all the same.
      idleConnectionTimeoutMs: Number.POSITIVE_INFINITY,
    });
  } catch (error) {
    if (!(error instanceof TypeError)) throw error;
    throw new UsageError(plain(error.message.replace(/^baseUrl/, "the URL")));
  }
}
