import type { SecureServerOptions } from "node:http2";
import type { ConnectRouter } from "@connectrpc/connect";
import { type Clock, systemClock } from "../../index.ts";
import { checkFields, checkFunction, checkMethods, checkNumber } from "../check.ts";
import { type WaitingOptions, waitFor } from "../waiting.ts";
import type { AdapterOptions } from "./call-handler.ts";
import { type BackendParts, hearNext, ServerBackend } from "./server-backend.ts";
import type { ReceivedCall, TestBackend } from "./test-backend.ts";

/** As `connectNodeAdapter` takes them; the backend comes along for those that say who they are. */
export type Routes = (router: ConnectRouter, backend: TestBackend) => void;

/** How backends are, if not as usual. */
export interface BackendsOptions extends AdapterOptions {
  /** What `node:http2`'s createSecureServer takes: `key` and `cert`, say. Default: HTTP/2 without TLS. */
  readonly tls?: SecureServerOptions;
  /** SETTINGS_MAX_CONCURRENT_STREAMS of each. Default: Node's; 0 to 4 294 967 295. */
  readonly maxConcurrentStreams?: number;
  /** What `delay` waits by. Default: the process' own time. */
  readonly clock?: Clock;
}

/** `N` of them, if `N` is known. */
type Several<N extends number, Found extends readonly TestBackend[] = []> = number extends N
  ? readonly TestBackend[]
  : Found["length"] extends N
    ? Readonly<Found>
    : Several<N, [...Found, TestBackend]>;

/** Backends of one service: a list, and what concerns all of them. */
export type TestBackends<N extends number = number> = Several<N> & {
  /** `host:port` of each, for `staticResolver` and `manualResolver`. */
  readonly addresses: readonly string[];
  /** The next call to come to any of them from here on. Rejects when none comes in time. */
  nextCall(options?: WaitingOptions): Promise<ReceivedCall>;
  /** Their `calls` count from 0 again. */
  resetCounts(): void;
  /** Ends them for good, whatever is open. Idempotent. */
  close(): Promise<void>;
  /** `close()`, for `await using`. */
  [Symbol.asyncDispose](): Promise<void>;
};

const known = ["tls", "maxConcurrentStreams", "clock", "interceptors", "acceptCompression"];

/** 127.0.0.1 and on. */
const most = 254;

/** Each time another free port, which all of them must be free to have. */
const mostTries = 20;

/**
 * Starts `n` real servers, 1 to 254, in this process, which serve `routes` over gRPC, gRPC-Web and Connect. On Linux they
 * are pods: 127.0.0.1, 127.0.0.2 and so on, all with the same port. Where 127.0.0.1 is the only loopback address, as on
 * macOS, each has a port of its own. Throws a TypeError or RangeError for bad input.
 */
export async function startBackends<const N extends number>(
  n: N,
  routes: Routes,
  options: BackendsOptions = {},
): Promise<TestBackends<N>> {
  checkNumber("the number of backends", n, { min: 1, max: most, integer: true });
  checkFunction("the routes of startBackends", routes);
  const { tls, maxConcurrentStreams, clock, ...adapter } = checkFields("the options of startBackends", options, known);
  if (maxConcurrentStreams !== undefined)
    checkNumber("maxConcurrentStreams", maxConcurrentStreams, { min: 0, max: 2 ** 32 - 1, integer: true });
  if (clock !== undefined) checkMethods("clock", clock, ["setTimeout", "clearTimeout"]);
  const waiting = new Set<(call: ReceivedCall) => void>();
  const onCall = (call: ReceivedCall) => {
    for (const hear of waiting) hear(call);
  };
  const parts = { routes, adapter, tls, maxConcurrentStreams, clock: clock ?? systemClock(), onCall };
  const backends = await startAll(n, parts);
  let closed: Promise<void> | undefined;
  const close = () => {
    closed ??= closeAll(backends);
    return closed;
  };
  return Object.assign([...backends], {
    addresses: backends.map(({ address }) => address),
    nextCall: (waitingOptions: WaitingOptions = {}) =>
      waitFor<ReceivedCall>(
        waitingOptions,
        () => "no call came to any backend",
        (resolve) => hearNext(waiting, resolve),
      ),
    resetCounts: () => {
      for (const backend of backends) backend.resetCounts();
    },
    close,
    [Symbol.asyncDispose]: close,
  }) as unknown as TestBackends<N>;
}

async function startAll(n: number, parts: BackendParts): Promise<readonly ServerBackend[]> {
  for (let tries = 1; ; tries++) {
    const backends: ServerBackend[] = [];
    try {
      while (backends.length < n) {
        const host = `127.0.0.${backends.length + 1}`;
        backends.push(await ServerBackend.start(host, backends[0]?.port ?? 0, parts));
      }
      return backends;
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      // macOS, and some containers.
      if (code === "EADDRNOTAVAIL") return startOnPorts(backends, n, parts);
      await closeAll(backends);
      if (code !== "EADDRINUSE" || tries === mostTries) throw error;
    }
  }
}

async function startOnPorts(
  backends: ServerBackend[],
  n: number,
  parts: BackendParts,
): Promise<readonly ServerBackend[]> {
  while (backends.length < n) backends.push(await ServerBackend.start("127.0.0.1", 0, parts));
  return backends;
}

async function closeAll(backends: readonly ServerBackend[]): Promise<void> {
  await Promise.all(backends.map((backend) => backend.close()));
}
