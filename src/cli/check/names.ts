import { getServers } from "node:dns";
import {
  type Address,
  dnsResolver,
  type GlinkTransport,
  glinkTransport,
  type Resolver,
  type ResolverListener,
  systemClock,
} from "../../index.ts";

/** What a lookup found. */
export interface Found {
  readonly tookMs: number;
  /** What a transport uses. */
  readonly addresses: readonly Address[];
  /** What it uses while it can reach none of them: the other family. */
  readonly fallback: readonly Address[];
  /** Undefined: it went well. */
  readonly error: unknown;
}

/** What the name of a URL stands for. */
export interface Names extends Found {
  readonly host: string;
  readonly isLiteral: boolean;
  /** The answer of the DNS servers themselves, which know no hosts file and no search domains; undefined: not asked. */
  readonly servers: Found | undefined;
}

/** The DNS servers are asked beside, and are not waited for longer than this. */
const serversMs = 2_000;

/** Looks the name up as a transport does; and asks the DNS servers, as one with `dnsResolver({ servers })` does. */
export async function lookUp(baseUrl: string, timeoutMs: number): Promise<Names> {
  const host = new URL(baseUrl).hostname.replace(/^\[|\]$/g, "");
  const isLiteral = host.includes(":") || /^[\d.]+$/.test(host);
  const asked =
    isLiteral || /(^|\.)localhost\.?$/i.test(host) ? undefined : serverResolver(Math.min(timeoutMs, serversMs));
  const [found, servers] = await Promise.all([
    ask(baseUrl, dnsResolver({ timeoutMs: Math.min(timeoutMs, 60_000) })),
    asked && ask(baseUrl, asked),
  ]);
  return { host, isLiteral, ...found, servers };
}

/** Undefined: there are no servers, or none that can be named. */
function serverResolver(timeoutMs: number): Resolver | undefined {
  const servers = getServers();
  if (servers.length === 0) return undefined;
  try {
    return dnsResolver({ servers, timeoutMs });
  } catch {
    return undefined;
  }
}

/** One lookup by a resolver, in a transport that gets nothing of it and dials nobody. */
async function ask(baseUrl: string, resolver: Resolver): Promise<Found> {
  const clock = systemClock();
  const startMs = clock.now();
  let transport: GlinkTransport | undefined;
  try {
    return await new Promise<Found>((resolve) => {
      const tell = (answer: Partial<Found>) =>
        resolve({ tookMs: clock.now() - startMs, addresses: [], fallback: [], error: undefined, ...answer });
      const listener: ResolverListener = {
        onAddresses: (addresses, fallback = []) => tell({ addresses, fallback }),
        onResolution: ({ endpoints }) => tell({ addresses: endpoints.flatMap(({ addresses }) => addresses) }),
        onError: (error) => tell({ error }),
      };
      const watch: Resolver["watch"] = (target, _, runtime) => resolver.watch(target, listener, runtime);
      transport = glinkTransport({ baseUrl, resolver: { name: "check", watch } });
      // It waits for what never comes, and holds the process meanwhile.
      transport.ready().catch(() => undefined);
    });
  } finally {
    await transport?.close();
  }
}
