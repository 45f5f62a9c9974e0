import { type Client, createClient } from "@connectrpc/connect";
import { EchoService } from "../../../proto/gen/glink/demo/v1/echo_pb.js";
import type { Address } from "../../../src/endpoint/address.ts";
import type { GlinkEvent, GlinkTransport, GlinkTransportOptions } from "../../../src/index.ts";
import type { Resolver, ResolverListener } from "../../../src/resolver/resolver.ts";
import { type ConnectEchoBackend, type EchoServerOptions, startConnectEcho } from "../../support/echo-server.ts";
import { glinkTransport } from "../../support/transport.ts";

/** A resolver whose list a test changes while it is in use; the transport hears of it at once. */
export class ListResolver implements Resolver {
  readonly name = "list";
  refreshes = 0;
  #addresses: readonly string[];
  #listener: ResolverListener | undefined;

  constructor(addresses: readonly string[]) {
    this.#addresses = addresses;
  }

  set(...addresses: string[]): void {
    this.#addresses = addresses;
    this.#report();
  }

  watch(_target: unknown, listener: ResolverListener) {
    this.#listener = listener;
    queueMicrotask(() => this.#report());
    const refresh = () => {
      this.refreshes++;
      queueMicrotask(() => this.#report());
    };
    const close = () => {
      this.#listener = undefined;
    };
    return { refresh, close };
  }

  #report(): void {
    this.#listener?.onAddresses(this.#addresses.map(toAddress));
  }
}

function toAddress(text: string): Address {
  const [host = "", port] = text.split(":");
  return { host, port: Number(port) };
}

/** Servers, a transport over a list of them, and what it reports. */
export interface PoolSetUp {
  readonly backends: readonly ConnectEchoBackend[];
  readonly resolver: ListResolver;
  readonly transport: GlinkTransport;
  readonly client: Client<typeof EchoService>;
  readonly events: readonly GlinkEvent[];
}

export interface PoolSetUpOptions {
  readonly servers: number;
  /** How many of them the list names at first. Default: all. */
  readonly listed?: number;
  /** More addresses of the list: proxies, peers. */
  readonly addresses?: readonly string[];
  readonly server?: EchoServerOptions;
  readonly transport?: Partial<GlinkTransportOptions>;
}

/** Runs `work` with real servers and a transport over them, and closes everything. */
export async function withPool(options: PoolSetUpOptions, work: (setUp: PoolSetUp) => Promise<void>): Promise<void> {
  const { servers, listed = servers, addresses = [], server, transport: transportOptions } = options;
  const backends = await Promise.all(Array.from({ length: servers }, () => startConnectEcho(server)));
  const resolver = new ListResolver([...backends.slice(0, listed).map(({ address }) => address), ...addresses]);
  const transport = glinkTransport({ baseUrl: "http://echo.test:1", resolver, ...transportOptions });
  const events: GlinkEvent[] = [];
  transport.subscribe((event) => events.push(event));
  try {
    await work({ backends, resolver, transport, client: createClient(EchoService, transport), events });
  } finally {
    await transport.close({ timeoutMs: 0 });
    await Promise.all(backends.map((backend) => backend.close()));
  }
}

/** Makes `count` calls, `concurrency` at once, and counts where they went. */
export async function callMany(
  client: Client<typeof EchoService>,
  count: number,
  concurrency = 1,
): Promise<Map<string, number>> {
  const served = new Map<string, number>();
  let started = 0;
  const lane = async () => {
    while (started < count) {
      started++;
      const { served: by } = await client.unary({ text: "x" }, { timeoutMs: 20_000 });
      const backend = by?.backend ?? "";
      served.set(backend, (served.get(backend) ?? 0) + 1);
    }
  };
  await Promise.all(Array.from({ length: concurrency }, lane));
  return served;
}

/** How many backends are ready. */
export function readyCount(transport: GlinkTransport): number {
  return transport.snapshot().subchannels.filter(({ state }) => state === "ready").length;
}
