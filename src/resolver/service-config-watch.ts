import type { Resolver as DnsClient } from "node:dns/promises";
import { hostname } from "node:os";
import { describeCause } from "../base/thrown.ts";
import type { Address } from "../endpoint/address.ts";
import { endpointOf } from "../endpoint/endpoint.ts";
import { builtinModule } from "../runtime/builtin-modules.ts";
import type { Clock, TimerHandle } from "../runtime/clock.ts";
import type { Runtime } from "../runtime/runtime.ts";
import { isAbsence } from "./family-query.ts";
import type { ResolverListener, ResolverWatch } from "./resolver.ts";
import { type ConfigClient, configOfRecords } from "./service-config-record.ts";

/** The first list of addresses waits so long for the record: calls shall not wait for a server that never answers it. */
const firstWaitMs = 1_000;

/** A query keeps the process alive: it is given up after two packets. */
const packetTimeoutMs = 1_000;

interface Addresses {
  readonly preferred: readonly Address[];
  readonly fallback: readonly Address[];
}

/** What is asked, and whom. */
export interface ServiceConfigWatchOptions {
  readonly host: string;
  /** Undefined: those of the operating system. */
  readonly servers: readonly string[] | undefined;
}

/**
 * Adds the service config of a name to what another watch finds: the TXT record `_grpc_config.` and the name, asked for
 * whenever the addresses were (gRFC A2). Without an answer the last config stays.
 */
export class ServiceConfigWatch implements ResolverWatch {
  readonly #listener: ResolverListener;
  readonly #clock: Clock;
  readonly #name: string;
  readonly #client: ConfigClient;
  readonly #dns: DnsClient;
  readonly #watch: ResolverWatch;
  /** The newest. */
  #addresses: Addresses | undefined;
  /** Of the record as it came; the error of one that cannot be read. */
  #config: object | Error | undefined;
  #isKnown = false;
  #isAsking = false;
  #timer: TimerHandle | undefined;
  #isClosed = false;

  /** `watch`: of the addresses. It reports them in their short form. */
  constructor(
    { host, servers }: ServiceConfigWatchOptions,
    watch: (listener: ResolverListener) => ResolverWatch,
    listener: ResolverListener,
    { clock, random }: Runtime,
  ) {
    const { Resolver } = builtinModule("node:dns/promises");
    this.#listener = listener;
    this.#clock = clock;
    this.#name = `_grpc_config.${host}`;
    this.#client = { hostname: hostname(), percent: random.next() * 100 };
    this.#dns = new Resolver({ timeout: packetTimeoutMs, tries: 2 });
    if (servers !== undefined) this.#dns.setServers(servers);
    void this.#ask();
    this.#watch = watch({
      onResolution: (resolution) => listener.onResolution(resolution),
      onAddresses: (preferred, fallback = []) => this.#found({ preferred, fallback }),
      onError: (error) => listener.onError(error),
    });
  }

  refresh(): void {
    this.#watch.refresh();
  }

  close(): void {
    this.#isClosed = true;
    this.#clock.clearTimeout(this.#timer);
    this.#watch.close();
    this.#dns.cancel();
  }

  #found(addresses: Addresses): void {
    const isFirst = this.#addresses === undefined;
    this.#addresses = addresses;
    if (this.#isKnown) this.#report();
    else if (isFirst) this.#timer = this.#clock.setTimeout(() => this.#know(this.#config), firstWaitMs);
    if (!isFirst) void this.#ask();
  }

  /** Never rejects. */
  async #ask(): Promise<void> {
    if (this.#isAsking) return;
    this.#isAsking = true;
    const config = await this.#askOnce();
    this.#isAsking = false;
    if (!this.#isClosed) this.#know(config);
  }

  async #askOnce(): Promise<object | Error | undefined> {
    let records: string[][];
    try {
      records = await this.#dns.resolveTxt(this.#name);
    } catch (error) {
      return isAbsence(error) ? undefined : this.#config;
    }
    try {
      return configOfRecords(records, this.#client);
    } catch (cause) {
      return new Error(`the TXT record ${this.#name} cannot be used: ${describeCause(cause)}`, { cause });
    }
  }

  #know(config: object | Error | undefined): void {
    const isNews = !this.#isKnown || config !== this.#config;
    this.#clock.clearTimeout(this.#timer);
    this.#isKnown = true;
    this.#config = config;
    if (isNews) this.#report();
  }

  #report(): void {
    if (this.#addresses === undefined) return;
    const { preferred, fallback } = this.#addresses;
    const config = this.#config;
    this.#listener.onResolution({
      endpoints: preferred.map(endpointOf),
      fallback: fallback.map(endpointOf),
      config,
    });
  }
}
